### The first run, and where to sign in.

sign-in-title = Sign in
sign-in-name = Name
sign-in-password = Password
sign-in-code = One-time code
sign-in-code-hint = Only if you turned one-time codes on: the six digits in the authenticator app on your phone.
sign-in-button = Sign in
sign-in-children = This page is for guardians.
sign-in-portal = The children's page

set-up-step = Step { $number } of 5
set-up-next = Continue
set-up-back = Back
set-up-save-next = Save and continue
set-up-new-tab = (opens a new tab)

set-up-guardian-title = Welcome to Lũy Tre
set-up-guardian-lead = First, an account for a guardian: a mother, a father, or whoever looks after the children. Only this account can change the rules of the house.
set-up-name = Your name
set-up-name-hint = What the children call you, such as “Mum” or “Dad”. They see it when you change a rule.
set-up-password = Password
set-up-password-hint = At least 8 characters. Four or five words that make a funny sentence are easier to keep and harder to guess than one word with digits.
set-up-again = The password again
set-up-differs = The two are not the same. Please type them again.
set-up-local = This page opens from inside the home only, and only until there is a guardian.

set-up-children-title = Who lives here?
set-up-children-lead = Each child has rules for its age. The year of birth is enough: as the child grows, the rules open up by themselves.
set-up-people = There are
set-up-born-in = born in { $year }
set-up-remove = Remove
set-up-remove-hint = When somebody is removed, their devices follow the youngest child's rules until you choose again.
set-up-add-child = Add a child
set-up-child-name = The child's name
set-up-child-born = Year of birth
set-up-born-hint = The age goes by the year. No birthday is needed, and the year does not leave this box.
set-up-add-child-button = Add the child
set-up-no-year = Please enter a year from { $from } to { $to }.
set-up-adults = Parents
set-up-adults-lead = Adults' devices have no limits by age. Only scams and malware are still blocked.
set-up-adults-name = One name for the adults
set-up-adults-default = Parents
set-up-add-adults = Add the parents

set-up-devices-title = Whose device is which?
set-up-devices-lead = These are the devices this box sees at home. Leave open what you do not know; you can choose later.
set-up-devices-none = No device has been seen yet. They will show up under Devices as soon as they ask this box.
set-up-strangers = Unknown devices
set-up-strangers-lead = A device that is nobody's yet follows the rules of whoever is chosen here. The youngest child is the safest choice: { $name }.
set-up-strangers-who = Unknown devices follow the rules of

set-up-traffic-title = Bring the home's network to this box
set-up-traffic-lead = Each time a page opens, the device asks “where is it?”. That question is called DNS. Lũy Tre protects once the question comes to this box. Choose one of the three ways below.
set-up-addresses = This box's addresses
set-up-addresses-none = This box's address is not known. Look it up on your Wi-Fi router's own page.
set-up-traffic-proxy = This box is the router: the home's network goes through it already, and there is nothing to do.
set-up-way-router = Way 1: change the Wi-Fi router
set-up-way-router-who = Good for most homes: one change, and all devices follow.
set-up-way-router-1 = Open the Wi-Fi router's own page. Its address and password are often printed underneath it.
set-up-way-router-2 = Find DHCP or LAN, and there the field for DNS.
set-up-way-router-3 = Enter this box's address as the first DNS server and leave the second empty:
set-up-way-router-4 = Save, then turn Wi-Fi off and on again on each device so that it takes the new address.
set-up-way-box = Way 2: this box is the router
set-up-way-box-who = Good for homes with OpenWrt or a small computer between the home and the internet: the strictest way, no device finds another path.
set-up-way-box-how = Turn on “Lead connections through this box” under Settings. Diagnostics tells what is missing.
set-up-way-device = Way 3: some devices only
set-up-way-device-who = When you cannot change the Wi-Fi router, or want to protect the children's devices alone.
set-up-way-device-how = On the device, open the Wi-Fi settings, choose the home's network, set DNS to “manual” and enter:
set-up-way-away = A phone that leaves the home can be protected as well: make a key for it under Devices.
set-up-way-no-away = To protect phones that leave the home, this box needs a name of its own on the internet; [dns.encrypted] in the configuration file explains how.

set-up-test-title = See whether it works
set-up-test-box = This box
set-up-test-whose = You are reading this on a device of { $name }.
set-up-test-stranger = The device you are using is nobody's yet, so it follows the rules of { $name }.
set-up-test-try = Try it on this device
set-up-test-try-lead = Each button opens a page in a new tab.
set-up-test-name = This page opens only when the device asks this box. If you see Lũy Tre's page, all is well:
set-up-test-blocked = This page was made for tests and is always blocked. If it does not open, or Lũy Tre explains why, all is well:
set-up-test-not = If it does not work
set-up-test-not-1 = Turn Wi-Fi off and on: a device keeps the old address until it connects again.
set-up-test-not-2 = Turn mobile data and any VPN off on the phone while you try.
set-up-test-not-3 = Turn “secure DNS” (DNS over HTTPS) off in the browser. On Android, set “private DNS” to automatic.
set-up-test-not-4 = Look at the router's DNS field again: only this box's address, and no second one.
set-up-test-again = Try again
set-up-done = Done, to the first page
