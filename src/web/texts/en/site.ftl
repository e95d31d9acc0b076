# The public site that is written from the transparency log.
site-title = Shared list
site-heading = What the shared list holds
site-what = Two authorities sign this list together; neither can add anything alone, and each can take something back alone. This page is written from the public log of all releases. It names no sites: a list of harmful sites would lead to them.
site-signers = Signed by:
site-newest = Release { $version }
site-day = Published on { $day }.
site-entries =
    { $count ->
        [one] { $count } entry.
       *[other] { $count } entries.
    }
site-changes = { $added } came, { $removed } went.
site-appeals = Appeals
site-appeals-open = { $open } open, and { $rest } of their entries rest meanwhile.
site-appeals-done = { $upheld } were right, { $rejected } were not.
site-how-appeal = How to appeal
site-by-category = By category
site-category = Category
site-count = Entries
site-by-reason = By reason
site-reason = Reason
site-reason-report = Somebody reported it, and it was verified
site-reason-indicator = Many homes met it, and it was verified
site-reason-partner = An organisation of the network verified it
site-reason-review = An analyst looked at it
site-reason-list = Taken from a trusted list
site-releases = Releases
site-number = No.
site-published = Day
site-open = Open appeals
site-upheld = Upheld
site-rejected = Rejected
site-override = In force even where a box would hold it back, because:
site-all-json = All releases as data (JSON)
site-none = Nothing has been published yet.
site-log = The log
site-log-what = Every release stands in this log for good. Witnesses sign that it only ever grew. Every box checks that what it takes stands in it.
site-log-name = Name
site-log-size = Releases in it
site-log-root = Root hash
site-log-signed = Signed by
site-criteria = Criteria
site-criteria-signed = These criteria were signed by both authorities with the newest release.
site-criteria-built-in = No criteria were signed with the newest release; these come with the program.
site-basis = Based on:
site-appeal-number = A page that is refused by the shared list shows an appeal number, like 0A1B-2C3D-4E5F. If the link brought you here, it stands at the end of this page's address. Tell the desk that number and why the entry is wrong: it helps children, it is about health, it teaches, it has changed, too much is blocked, or it never was what it is listed as.
site-appeal-contact = The desk:
site-appeal-nobody = Nobody asks who you are. The desk keeps the number, the reason and the day, and nothing else.
site-appeal-then = What happens then
site-appeal-rests = A site where children find help, health or lessons is opened again while the desk looks at it, once. Harmful programs stay closed.
site-appeal-days =
    { $days ->
        [one] The desk answers within { $days } day.
       *[other] The desk answers within { $days } days.
    }
