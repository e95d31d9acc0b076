### What children asked.

requests-waiting = Waiting
requests-none = No request is waiting.
requests-answered = Answered this week
requests-one-page = one page of the group “{ $group }”
requests-private = one page
requests-wrong = { $what } (said to be wrongly blocked)
requests-reason = Reason
requests-reason-hint = { $name } will read it.
requests-no-reason = None
requests-own-words = Or in your own words
requests-preset-good = It is good that you asked.
requests-preset-homework = When your homework is done.
requests-preset-not-now = Not now; ask me again tomorrow.
requests-preset-not-age = This is for when you are older.
requests-preset-talk = Let us talk about it tonight.
requests-once = Yes, 15 minutes
requests-hour = Yes, 1 hour
requests-today = Yes, today
requests-always = Always
requests-refuse = No
requests-habit = You have often said yes to { $name } for the group “{ $group }”. You could move it to “warn” or “allow”.
requests-habit-link = The rules of { $name }
