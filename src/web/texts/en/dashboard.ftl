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
nav-settings = Settings
nav-diagnostics = Diagnostics
nav-waiting = { $count ->
    [one] { $count } request is waiting
   *[other] { $count } requests are waiting
}
sign-out = Sign out
signed-in-as = Signed in as { $name }
