### Anonymous reports (the pages of guardian and child), and the page for one's own words.

reports-title = Anonymous reports
reports-what = When many homes meet the same site that swindles or harms children, two authorities can learn the name of that site.
reports-threshold = A name can be read only once { $households } homes have told the same one. With fewer, nobody can read it.
reports-same = Every week this box sends the same number of messages, of the same length, at random times, whether it met anything or not.
reports-apart = Whoever passes messages on sees the address and cannot open them. Whoever opens them does not see the address.
reports-blocks-nothing = A report blocks no site. You can stop at any time.

reports-state = Now
report-mode-off-guardian = Off: the guardian has not agreed.
report-mode-off-child = Off: not all children of seven and older have agreed.
report-mode-off-nobody = Off: nobody can receive, or nobody is there to hide the address.
report-mode-off-lab = Off: those who would receive are for tests only.
report-mode-off-one = Off: there is one receiver where two have to watch each other.
report-mode-counts = One answer a week that may be chance, and no name: there is one receiver where two have to watch each other.
report-mode-full = On: names that enough homes met, and counts with noise.
reports-disabled = The configuration of this box keeps reports off. Answers given here are kept until it does not.
reports-paused = Paused. The box says:
reports-waiting = Sealed messages that wait: { $count }.

reports-asked = Who is asked
reports-guardian = The guardian
reports-children = All children from 7 to 17
reports-yes = agreed
reports-not-yet = not yet
reports-children-none = there is nobody to ask
reports-children-lead = Each child answers on its own device, on its own home page. Which child answered what is not shown here, so that none can be pressed. With one child it can be guessed; please do not press for an answer.
reports-agree = Agree to anonymous reports
reports-withdraw = Stop sending
reports-agree-lead = Read this page first. Until you agree, nothing is sent.
reports-withdraw-lead = Stopping takes effect at once; everything that waits is deleted.
reports-done-agreed = Your agreement is kept.
reports-done-withdrawn = Stopped. Everything that was waiting has been deleted.
reports-done-added = The name was added.
reports-done-removed = The name was removed.

reports-who = Who receives
reports-operator-a = The authority that reads names which enough homes told
reports-operator-b = The authority that mixes messages and holds half of the key
reports-relay = Passes messages on, and alone sees addresses
reports-who-nobody = There is no receiver yet.

reports-never = What is never sent
reports-never-who = Who met it, on which device, at which address, on what day, at what minute.
reports-never-other = Names of other sites, and whatever stands behind the name of a site.
reports-never-help = That somebody looked for help, pages about health, sealed content.
reports-never-said = What a child asked, and what a guardian did.

reports-plan = What is sent in a week
reports-plan-kind = Message
reports-plan-count = How many
reports-plan-octets = Octets of each
reports-plan-all = All together: { $octets } octets a week.
reports-plan-none = There is no receiver yet, so there is no plan.
reports-times = { $count } messages of { $octets } octets
report-kind-tokens = Asking for tokens, so that one line can send only so much
report-kind-question = A blinded question
report-kind-report = A report, or an empty message that looks the same
report-kind-week = The counts of the week by age and part of the day, with noise and in two halves
report-kind-answer = One answer that may be chance
reports-example = An example with a made-up name: the site { $name }, in the group { $category }.
reports-octets = See the octets

reports-now = What this week would tell
reports-none = No name is waiting.
reports-empty = Empty messages are sent all the same.
reports-candidate = The site { $name }, in the group { $category }
reports-hidden = And { $count } names of children whose names guardians do not see.
reports-cells = Met, before noise is added
reports-cell = { $band }: { $groups }
reports-cells-hidden = And { $count } cells whose group is not shown: of older children, or by time of day.
reports-sent = What was sent
reports-sent-none = Nothing so far.
reports-sent-when = When
reports-sent-octets = Octets

own-title = Names of your own
own-lead = Do you know a bad site that this box does not recognise? Write it here. It is counted like any other: { $households } homes have to tell the same name before anybody can read it. It blocks nothing.
own-name = Name of the site
own-name-hint = As it is registered, like vi-du-lua-dao.example, with nothing before or behind it.
own-category = It is about
own-add = Add the name
own-none = There are none.
own-remove = Remove
own-wrong-name = This is not the name of a site.
own-wrong-below = Only names as they are registered are counted. Write { $name }.
own-wrong-ending = Many sites share this ending; it is not a site.
own-wrong-long = This name is too long for any report.
own-wrong-category = Choose a group of the list.
own-wrong-help = This is a place that helps. Places that help are never reported.
own-wrong-popular = Everybody knows this site; it need not be told in this way.
own-wrong-full = There are 50 names, which is the most. Remove one first.
own-wrong-twice = This name is there already.

## The question to a child

say-link = Anonymous reports: your say
say-what = There are sites that swindle or harm children, and nobody knows them yet.
say-family = If everybody at home agrees, the box tells the names of such sites to two authorities, together with many other homes.
say-free = { $tone ->
    [con] You may say yes or no. You can change your mind at any time, and you need not tell anybody.
    [em] You may say yes or no. You can change your mind at any time, and you need not tell anybody.
   *[ban] You may say yes or no. You can change your mind at any time, and you need not tell anybody.
}
say-agrees = { $tone ->
    [con] You said yes.
    [em] You said yes.
   *[ban] You agreed.
}
say-agrees-not = { $tone ->
    [con] You have not said yes, so nothing is sent.
    [em] You have not said yes, so nothing is sent.
   *[ban] You have not agreed, so nothing is sent.
}
say-sent = Reports are being sent.
say-not-sent = Nothing is sent now.
say-yes = { $tone ->
    [con] Yes, I agree
    [em] Yes, I agree
   *[ban] I agree
}
say-no = No
say-change = { $tone ->
    [con] I changed my mind
    [em] I changed my mind
   *[ban] I changed my mind
}
say-seen = { $tone ->
    [con] Nobody is told what you answer. Your parents see only “all agreed” or “not yet”.
    [em] Nobody is told what you answer. The grown-ups see only “all agreed” or “not yet”.
   *[ban] Nobody is told what you answer. A guardian sees only “all agreed” or “not yet”.
}
say-alone = { $tone ->
    [con] You are the only one who is asked, so your parents can guess it.
    [em] You are the only one who is asked, so the grown-ups can guess it.
   *[ban] You are the only one who is asked, so a guardian can guess it.
}

## One's own words

foot-tell = Speak up
tell-title = Speak up
tell-lead = It is not your fault. Write down what happened, and send it yourself to somebody who can help.
tell-private = This page sends nothing and keeps nothing. What you write is on this screen alone; when you leave, it is gone.
tell-kinds = What happened?
tell-kind-scam = Tricked out of money, a password or a code
tell-kind-lure = A stranger lures, wants to meet, wants pictures
tell-kind-image = Pictures taken, faked, or threatened to be posted
tell-kind-bully = Bullied, shamed, threatened
tell-kind-harm = Urged to hurt oneself or do dangerous things
tell-kind-other = Something else
tell-site = Name of the site or app
tell-words = In your own words
tell-words-more = No real names needed. Keep the messages, and send your pictures to nobody any more.
tell-call = Would you like to be called back?
tell-call-no = No
tell-call-yes = Yes
tell-number = Phone number, and when to call
tell-text = The text to send
tell-copy = Copy
tell-copied = Copied. You can put it into the form of those who help.
tell-select = It is selected; copy it with the keyboard, or hold a finger on it.
tell-print = Print
tell-save = Save as a file
tell-clear = Clear all
tell-file = note.txt
tell-kept = A copy, print or file stays on this device, where others who share it may see it.
tell-paper = On paper
tell-paper-lead = Print this page and fill it in, or copy the questions to a sheet of paper.
tell-where = Where to send it
tell-where-lead = Call and read it out, or open the page of those who help and put it into their form.
