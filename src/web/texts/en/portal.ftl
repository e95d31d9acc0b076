### The pages for children.

exit = Quick exit
exit-note = Quick exit, or pressing Shift three times, takes you to another site. It does not erase your browsing history.
foot-help = Need someone to help?
foot-call = Call 111, free, day and night
foot-who = Who can see what?
foot-more-help = More places that help
to-portal = To the home page

## When something goes wrong

error-404 = There is no such page
error-404-more = Perhaps a letter is missing in the address.
error-405 = This does not work here
error-405-more = Please go back and start again.
error-429 = One moment, please
error-429-more = There were many tries in a row. Please try again in a few minutes.
error-500 = Something went wrong
error-500-more = It is the program's mistake, not yours. Please try again in a while.

## When a page does not open

sealed = This page cannot be opened
blocked-title = { $tone ->
    [con] This page is not for you yet
    [em] This page is not for your age yet
   *[ban] This page is blocked
}
blocked-ask = { $tone ->
    [con] Ask a grown-up first
    [em] Ask first for this page
   *[ban] This page needs a yes first
}
blocked-later = { $tone ->
    [con] It is not time for this now
    [em] It is not the time for this now
   *[ban] It is not the time for this now
}
blocked-no-blame-young = You did nothing wrong.
blocked-no-blame = { $tone ->
    [con] You did nothing wrong. This page just does not fit your age, or this hour.
    [em] You did nothing wrong. This is your family's rule for your age.
   *[ban] This is a rule of the household, not a mistake of yours. Below is why, and who can change it.
}
blocked-until = It ends at { $until }.

ask-young = Ask a grown-up
learn-young = See good pages
call-young = Is someone scaring you? Call 111
for-adults = For grown-ups

ask-title = { $tone ->
    [con] Ask a grown-up at home
    [em] Ask a grown-up at home
   *[ban] Ask a guardian
}
ask-note = { $tone ->
    [con] What would you like to say? (you may leave it empty)
    [em] Anything to add? (optional)
   *[ban] Anything to add? (optional)
}
ask-seen-name = { $tone ->
    [con] The grown-ups at home will see the name of this page and what you write.
    [em] Only when you ask do the grown-ups at home see the name of this page and what you write.
   *[ban] Only when you ask does a guardian see the name of this page and what you write.
}
ask-seen-group = A guardian sees only the group and what you write, not the name of the page.
ask-send = Send the question

why-title = Why?
fact-reason = Reason
fact-group = Group
fact-criterion = Criterion
fact-age = Age
fact-time = Time
fact-appeal = Appeal number
fact-appeal-why = If you think the shared list is wrong, send this number to those who make it.
fact-change = Who can change it?

wrong-title = Blocked by mistake?
wrong-note = What is this page really? (optional)
wrong-send = Report a mistake

learn-title = Other good pages

## Help

call-111 = Call 111
call-115 = Call an ambulance: 115
call-156 = Report a scam: 156
take-it-down = Get pictures taken down
check-site = Check whether a site can be trusted
panel-helpline = { $tone ->
    [con] Is someone making you scared or sad?
    [em] Is someone making you scared or uneasy?
   *[ban] Is someone making you afraid or uneasy?
}
panel-helpline-more = { $tone ->
    [con] It is not your fault. Tell a grown-up you trust, or call 111. It costs nothing, and somebody always listens.
    [em] It is not your fault. You can tell a grown-up you trust, or call 111: free, day and night.
   *[ban] It is not your fault. You can tell someone you trust, or call 111: free, day and night.
}
panel-image = { $tone ->
    [con] Is someone making you send pictures?
    [em] Is someone pressing you for pictures, or threatening to post them?
   *[ban] Is someone pressing you for pictures, asking for money or threatening to share them?
}
panel-image-more = { $tone ->
    [con] It is not your fault. Do not send any more. Tell a grown-up you trust, or call 111. It costs nothing.
    [em] It is not your fault. Do not send more, do not pay, keep the messages. Tell someone you trust, or call 111: free, day and night.
   *[ban] It is not your fault. Do not pay, do not send more, keep the messages. Call 111: free, day and night. Pictures that were posted can still be taken down.
}
panel-scam = { $tone ->
    [con] Is someone asking for money or your password?
    [em] Did you send money or a password?
   *[ban] Did you send money, a password or a code?
}
panel-scam-more = { $tone ->
    [con] It is not your fault. Do not send anything, and tell a grown-up right away.
    [em] It is not your fault, it can happen to anybody. Tell a grown-up at home now, change the password, send no more money.
   *[ban] It is not your fault, it can happen to anybody. Send nothing more, tell the bank now, change the password and keep the messages.
}
panel-selfharm = { $tone ->
    [con] Are you very sad?
    [em] Are you feeling very low?
   *[ban] Is it all too heavy right now?
}
panel-selfharm-more = { $tone ->
    [con] You are not alone. Tell a grown-up you love, or call 111. Somebody always listens.
    [em] You are not alone. Saying it makes it lighter: tell someone you trust, or call 111, free, day and night. If you are in danger, call 115.
   *[ban] You are not alone. Saying it makes it lighter: tell someone you trust, or call 111, free, day and night. If you are in danger, call 115.
}

## The home page

home-hello = Hello { $name }
home-stranger = Hello
home-stranger-more = Nobody has said yet whose device this is, so the household's common rules hold. A guardian can say.
home-on = Filtering is on
home-now = Right now
home-free = No set hours hold now. Groups that are blocked by age stay blocked.
home-grant = Open: { $what }
home-budgets = Time left today
home-left = { $left } of { $of } minutes left
home-stopped = Just stopped on this device
home-stopped-more = This list is gone after ten minutes.
home-ask = Ask
home-asked = { $tone ->
    [con] What you asked
    [em] What you asked
   *[ban] What you asked
}
answer-waiting = Waiting
answer-yes = Yes
answer-yes-until = Yes, until { $until }
answer-no = Not yet
answer-expired = Nobody answered
answer-reason = They say: { $reason }

## Who can see what

who-title = Who can see what?
who-title-young = What do my parents see?
who-see = Parents see
who-see-young = The names of pages that did not open, and their group.
who-kept = How long it is kept
who-kept-young = Seven days, then it is gone.
who-never = Nobody sees
who-never-young = Pages that you could open. When you look for help. Things about health.
who-guardian = A guardian sees
who-sees-10-12 = How often each group was stopped, day by day. The name of a page only when you ask to open it.
who-sees-13-15 = How often each group was stopped, week by week, and security alerts. The name of a page only when you ask to open it.
who-sees-16-17 = Security alerts alone, without the name of any page. When you ask to open one: its group and what you write.
who-sees-18 = Nothing about you but security alerts, without the name of any page.
who-kept-counts = Counts are kept for 30 days, then deleted.
who-kept-nothing = Nothing but the questions you asked.
who-you = { $tone ->
    [con] You see
    [em] And you see
   *[ban] And you see
}
who-you-10-12 = The same: how often each group was stopped, what you asked and what was answered.
who-you-13-15 = Everything the guardian sees, on the same screen.
who-you-16 = All of your own data, and you alone decide about it.
who-never-help = That you looked for help.
who-never-health = Pages about health and sex education.
who-never-allowed = The names of pages that opened.
who-never-sealed = Sealed content.
who-sign = Filtering is on. Whenever it is on, this page says so.

## Places that help

help-title = Places that help
help-more = Needing help is nobody's fault. These numbers work whenever there is a telephone network.
help-here = Where you live
help-elsewhere = In other countries
help-private = Opening this page or the pages of helpers leaves no trace in this program. Nobody at home can see it here.

## After asking

sent-asked = The question was sent
sent-asked-more = { $tone ->
    [con] A grown-up will answer on your home page. Until then, have a look at another page.
    [em] The answer will be on your home page, with a reason.
   *[ban] The answer will be on your home page, with a reason.
}
sent-reported = The mistake was reported
sent-reported-more = { $tone ->
    [con] Thank you. A grown-up will look at it.
    [em] Thank you. The grown-ups at home will look at it.
   *[ban] Thank you. A guardian will look at it.
}
sent-waits = This question is waiting
sent-waits-more = It has arrived, there is no need to send it again.
sent-too-many = One moment, please
sent-too-many-more = There were many questions within an hour. Ask again later, or ask a grown-up directly.

## A one-time code

code-link = Do you have a guardian's code?
code-title = One-time code
code-more = A guardian who is away can tell you a code that works once. With it, more opens for a while.
code-label = The digits of the code
code-send = Open
code-opened = Open until { $until }.
code-wrong = { $tone ->
    [con] The code does not fit. Ask for a new one.
    [em] The code does not fit or was used before. Ask for a new one.
   *[ban] The code does not fit or was used before. Ask for a new one.
}
code-too-many = There were many tries. Please try again in a few minutes.

## Moments and grants

tomorrow-at = { $time } tomorrow
hold-more-time = More time
hold-asked-page = One page that was asked for
