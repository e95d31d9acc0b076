# The desk at the central side.
desk-title = Triage desk
desk-sign-in = Sign in to the desk
desk-sign-in-wrong = The name or the password is wrong.
desk-sign-in-wait = Too many tries. The next one is heard in { $seconds } seconds.
desk-candidates = Candidates
desk-statistics = Statistics
desk-ledger = Privacy budget
desk-audit = Record of deeds
desk-lead = Names that enough homes met. None of them is blocked because it stands here: people look first, and two authorities decide.
desk-show = Show
desk-count =
    { $count ->
        [one] { $count } candidate
       *[other] { $count } candidates
    }
desk-all = All
desk-name = Name
desk-category = Category
desk-lane = Lane
desk-lane-security = Security
desk-lane-harm = Harm to children
desk-homes = Homes
desk-state = State
desk-state-new = New
desk-state-verified = Verified
desk-state-proposed = Proposed
desk-state-listed = Listed
desk-state-withdrawn = Withdrawn
desk-state-rejected = Rejected
desk-step-verify = Verify
desk-step-reject = Reject
desk-step-propose = Propose
desk-step-list = Note as listed
desk-step-withdraw = Withdraw
desk-step-reopen = Look again
desk-reason = Reason
desk-reason-seen = Looked at, and it does that
desk-reason-partner = A partner organisation confirmed it
desk-reason-protects = Children are better off without it
desk-reason-published = It is in the published list
desk-reason-harmless = It harms nobody
desk-reason-wrong-category = It is something else
desk-reason-popular = Too many use it for something else
desk-reason-gone = It is not there any more
desk-reason-hotline = Handed to the hotline and the police
desk-reason-appeal = An appeal was upheld
desk-reason-mistake = It was a mistake
desk-reason-news = Something new is known
desk-role-analyst = Analyst
desk-role-lead = Lead
desk-role-reader = Reader
desk-role-auditor = Auditor
desk-guarded = May not be proposed
desk-in-list = In the list
desk-next = More candidates
desk-not-done = This was not done:
desk-against = This may not be proposed:
desk-until = The proposal holds until { $day }.
desk-counts = Homes by time
desk-chart-counts = Homes that met the name in each epoch; the table below has the numbers.
desk-from = From
desk-refused = Shares that fitted nothing
desk-regions = Regions
desk-regions-why = The most homes of a region in any one epoch; shown from five homes on.
desk-region = Region
desk-none = None.
desk-confidence = How sure the engines were
desk-sure = Step
desk-engine = Why an engine takes it for that
desk-engine-none = The engine of this desk would say nothing of the name today.
desk-engine-by = Found by
desk-engine-category = Taken for
desk-engine-imitates = Pretends to be
desk-engine-chance = Chance by spelling, of a thousand
desk-engine-grams = Parts that weighed most
desk-history = What was done
desk-note = Note
desk-note-hint = At most 500 characters. Never about a person.
desk-statistics-lead = Estimates from noised sums. Each number stands for somewhere within ± 1.96 deviations, in 95 of 100 cases. What could as well be nothing is marked.
desk-week = Week
desk-group = Group
desk-reports =
    { $count ->
        [one] { $count } home took part.
       *[other] { $count } homes took part.
    }
desk-by-band = By age
desk-by-part = By part of the day
desk-chart-errors = Bars with the interval in which the true number lies in 95 of 100 cases; the table below has the numbers.
desk-error = Error
desk-noise-column = Meaning
desk-noise = Below the noise
desk-no-statistics = No week was published yet.
desk-ledger-lead = What the weekly sums of a year have cost each home in privacy, as the ledger writes it. When the budget is spent, nothing more is published.
desk-ledger-odd = Week { $epoch } was published with too little noise, or outside the budget. It is not counted above.
desk-audit-holds =
    { $count ->
        [one] { $count } row, and the chain holds. Note this digest elsewhere:
       *[other] { $count } rows, and the chain holds. Note this digest elsewhere:
    }
desk-audit-broken = The chain does not hold.
desk-number = Number
desk-at = When (UTC)
desk-who = Who
desk-deed = What
desk-wrong = This does not work
