### The pages about each child: age, rules, hours.

children-lead = Everybody has a card. Choose a name to see and change the rules.
children-nothing = No quiet hours and no exceptions right now.
children-devices = Devices:
children-no-devices = No devices yet.
children-add = Add a child
children-add-button = Add

child-back = ← All children
child-pages = Pages about { $name }
child-tab-overview = Overview
child-tab-criteria = Kinds of content
child-tab-sites = Apps and sites
child-tab-hours = Hours
child-tab-protection = Search and connections
child-name = Name
child-now = Now
child-to-devices = See the devices
child-age = Age
child-age-moves = The rules move on by themselves as the child grows; everybody is told.
child-age-stays = This age group stays until you change it. With a year of birth the rules move on by themselves.
child-age-next = From { $year }: { $band }.
child-grants = Allow for a while
child-grants-lead = It locks itself again; nobody has to remember.
child-grants-none = Nothing extra is allowed.
child-grant-until = until { $until }, allowed by { $by }
child-grant-end = Take back
child-grant-give = Allow
child-codes = Codes for when you are away
child-codes-lead = Read one out on the phone; the child types it in and has more time. Each works once, even without the internet.
child-codes-show = Show the codes
child-codes-renew = Make new codes
child-codes-renew-hint = Do this if the child has seen them. The old ones stop working.
child-who = Who sees what
child-to-activity = See the activity
child-acts = What was changed
child-acts-lead = The child can read this list too.
child-called = Name and language
child-language = Language of the pages for the child
child-language-browser = As the browser says
child-remove = Remove from this home
child-remove-lead = The rules and what is kept of the activity are deleted. The devices go to somebody else.
child-remove-to = Give the devices to
child-remove-last = This is the only one, so it cannot be removed.
child-remove-button = Remove { $name }

age-born = Year of birth
age-born-hint = For example 2017. The year is enough.
age-band = Or an age group
age-band-hint = Counts only without a year of birth.
age-by-year = By year of birth

now-paused = Paused until { $until }
now-schedule = “{ $name }” holds now
now-grants = { $count ->
    [one] { $count } thing is allowed for a while
   *[other] { $count } things are allowed for a while
}

grant-what = What to allow
grant-time = More time online
grant-hidden = A page the child asked about in private
grant-site = Or one site alone
grant-site-hint = For example wikipedia.org. If you write one here, the choice beside it does not count.
grant-lasts = For how long
lasts-15 = 15 minutes
lasts-60 = 1 hour
lasts-today = The rest of today

everything = Everything

rules-save = Save
rules-leave = Leave it
rules-remove = Remove
rules-refused = This could not be saved. The program says:
rules-reads-only = This account can look but not change anything.

choice-criteria = By the criteria: { $action }
choice-allow = Always allow
choice-block = Always block
choice-for = Choose for: { $name }
choice-as-group = As the kind of the app
choice-by-age = By age (recommended)
choice-yes = Yes
choice-no = No

criteria-lead = Each criterion says why a kind of site is treated apart and what this age gets. You can choose otherwise where the criterion lets you.
criteria-fixed = This cannot be changed, for the safety of children.
criteria-basis = What it rests on

names-title = Single sites
names-allow = Always allowed
names-block = Always blocked
names-hint = One a line, for example wikipedia.org. What is below it counts too.
services-title = Apps and services
services-lead = An app without a choice of its own follows its kind.

search-title = Search and YouTube
safe-search = Safe search
safe-search-hint = Google, Bing, DuckDuckGo and other search engines leave out adult results.
youtube = Restricted mode of YouTube
youtube-hint = YouTube hides videos for adults and some comments by itself.
youtube-strict = Strict
youtube-moderate = Moderate
youtube-off = Not restricted

advanced-title = Advanced: connections
advanced-lead = Ways by which a device could go round the filter. There is rarely a need to change anything here.
advanced-show = Look and change
adv-lookalikes = Block names that pretend
adv-guess = Judge names that no list has yet
adv-guess-why = New names are judged by how they are written. Up to nine they are closed, from ten on the child asks, from sixteen on nothing is closed. Well-known names, help, health and schools are never judged so.
adv-lookalikes-why = Blocks names written almost like well-known ones, such as faceb00k.com, which are made to deceive.
adv-canary = Tell browsers to use the filter of this home
adv-canary-why = Firefox may look addresses up elsewhere. This tells it to ask at home.
adv-relay = Switch Apple's Private Relay off
adv-relay-why = Private Relay takes connections round, where the filter does not see them.
adv-prefetch = Look at pages Chrome loads ahead
adv-prefetch-why = Chrome can fetch pages from elsewhere before anybody chooses them.
adv-ech = Keep the names of sites visible
adv-ech-why = There is a way to connect that hides the name of the site (ECH). Without it the filter can judge; the content stays encrypted.
adv-rebinding = Protect the devices in the home
adv-rebinding-why = Sites from outside may not find a way to the printer, the camera or the router.
adv-intercept = Connections go through the filter
adv-intercept-why = Works only where this box is the router of the home. Nothing is decrypted.
adv-dns = Block encrypted DNS of others
adv-dns-why = DNS is where a device asks for addresses. Asked elsewhere, there is no filter.
adv-tunnels = Block VPN, Tor and proxies
adv-tunnels-why = They take all connections outside of the filter.
adv-quic = Connections by QUIC
adv-quic-why = QUIC is a newer, faster way to connect. When it is refused, apps use the older one and still work.
adv-nameless = Connections to an address without a name
adv-nameless-why = The device connects to a number without having asked for a name.
adv-unexplained = A name that does not belong to the address
adv-unexplained-why = The connection says one name but goes to somebody else's address.
adv-dead = While the filter does not run
adv-dead-why = When the box restarts or has a fault.
way-allow = Let it pass
way-refuse = Refuse
way-quic-reject = Refuse; apps use the older way
way-quic-filter = Judge by name, then let it pass
way-tcp443 = Encrypted web pages alone
way-log = Let it pass and count
way-resolve = Find the right address of the name
way-open = The internet works, without a filter
way-closed = The internet stops until it is filtered again

schedules-title = Quiet hours and special hours
schedules-lead = At these hours some things are blocked, or opened. They may go past midnight.
schedule-new = Add hours
schedule-change = Change the hours
schedule-blocks = Blocked:
schedule-allows = Opened:
schedule-as-table = Show as a table
schedule-day = Day
schedule-hours = Hours
schedule-from = From
schedule-to = To
schedule-to-hint = Earlier than the start means the next morning.
schedule-name-hint = The child sees this name. For example: Bedtime.
schedule-block = Block during these hours
schedule-allow = Open during these hours
schedule-allow-hint = Not needed. For opening something that is otherwise blocked.
week-text = Seven rows are seven days, from midnight on the left to midnight on the right. The filled part is when these hours hold.
hours-change = Change
hours-name = Name
hours-days = Starts on
hours-groups = Kinds of content
hours-services = Apps: { $kind }
days-every = every day
days-only = Only on these days
days-except = Not on these days

budgets-title = Time a day
budgets-lead = Minutes with activity are counted. Games without a network and a screen nobody looks at are not seen.
budget-new = Add a limit
budget-change = Change the limit
budget-line = { $limit } a day, { $used } minutes used today.
budget-of = Counts:
budget-what = What counts
budget-minutes = Minutes a day
budget-name-hint = The child sees this name. For example: Games.

wrong-name-empty = Write a name.
wrong-name-taken = Somebody here has this name. Choose another.
wrong-age = Write a year of birth or choose an age group.
wrong-year = A year of birth has four digits, for example 2017.
wrong-grant = This cannot be allowed.
wrong-site = “{ $site }” is not the name of a site. This would be: wikipedia.org
wrong-hours-name = Give it a name, for example: Bedtime.
wrong-time = Write hours and minutes, for example 21:00.
wrong-nothing-chosen = Choose at least one.
wrong-minutes = Write a number of minutes, from 1 to 1440.
