### The frame of the dashboard.

skip = Skip to content
nav-label = Main pages
nav-menu = Menu
nav-home = Home
nav-children = Children
nav-devices = Devices
nav-requests = Requests
nav-simulator = Try it
nav-lists = Lists
nav-activity = Activity
nav-reports = Anonymous reports
nav-settings = Settings
nav-diagnostics = Diagnostics
nav-waiting = { $count ->
    [one] { $count } request is waiting
   *[other] { $count } requests are waiting
}
sign-out = Sign out
signed-in-as = Signed in as { $name }

trouble-title = That was not possible
trouble-forbidden = This account may not do that, or the page was open for too long. Load it again and try once more.
trouble-missing = There is no such page.
trouble-wait = Too many tries. Wait a moment and try again.
trouble-ours = Something went wrong on this box. Its log says what.
trouble-form = The form is not right. Go back and look at it again.
trouble-back = To the start page
