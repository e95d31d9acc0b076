### What the program knows, by its names.

product = Lũy Tre

## Categories

category-unknown = Sites nobody has classified yet
category-csam = Sealed content
category-legal_order = Blocked by legal order
category-grooming = Grooming of children
category-stranger_chat = Anonymous chat with strangers
category-nudify_ncii = Faked or stolen private pictures
category-selfharm_promo = Promotion of self-harm
category-eating_dis_promo = Promotion of eating disorders
category-dangerous_acts = Dangerous acts
category-bullying_dox = Bullying and exposing people
category-trafficking_lure = Lures of traffickers
category-porn = Pornography
category-suggestive = Suggestive content
category-adult_services = Adult services
category-dating = Dating
category-gore_violence = Violence and gore
category-horror = Horror
category-hate_extremism = Hate and extremism
category-crude_language = Crude language
category-drugs = Drugs
category-alcohol = Alcohol
category-tobacco_vape = Tobacco and vapes
category-weapons = Weapons
category-gambling = Gambling and betting
category-gambling_like = Games like gambling
category-predatory_loan = Predatory loans
category-speculation = Speculation
category-social_network = Social networks
category-messaging = Messaging
category-video_ugc = Video platforms
category-livestream = Live streams
category-gaming = Games
category-gaming_16 = Games from 16
category-gaming_18 = Games from 18
category-forum_ugc = Forums
category-ai_companion = Companion bots
category-ai_general = AI assistants
category-download_store = App stores and downloads
category-piracy = Piracy
category-ads_tracker = Advertising and tracking
category-malware = Malware
category-phishing_scam = Scams and impostors
category-newly_registered = Newly registered names
category-bypass = Ways round the filter
category-stalkerware = Software that spies on people
category-health_sexed = Health and sex education
category-education_kids = Education for children
category-help = Help and reporting

## Age bands

band-0-5 = ages 0 to 5
band-6-9 = ages 6 to 9
band-10-12 = ages 10 to 12
band-13-15 = ages 13 to 15
band-16-17 = ages 16 and 17
band-18 = 18 and over

## Weekdays

weekday-0 = Monday
weekday-1 = Tuesday
weekday-2 = Wednesday
weekday-3 = Thursday
weekday-4 = Friday
weekday-5 = Saturday
weekday-6 = Sunday

weekday-short-0 = Mon
weekday-short-1 = Tue
weekday-short-2 = Wed
weekday-short-3 = Thu
weekday-short-4 = Fri
weekday-short-5 = Sat
weekday-short-6 = Sun

## Actions

action-allow = Allow
action-warn = Remind
action-ask = Ask first
action-block = Block
action-help = Block and help

## Why

step-help_set = This is a place that helps, and it is never blocked.
step-sealed = This page cannot be opened.
step-security = This page could harm the device or spy on people.
step-pause = The internet takes a break for a while, except for places that help.
step-grant = A guardian has opened this for a while.
step-own_allow = A guardian has allowed this page.
step-own_block = A guardian has chosen to block this page.
step-schedule = It is not the time for this now.
step-budget = Today's time is used up; tomorrow there is more.
step-min_age = This page is made for older people.
step-criterion = This group of sites is looked at by age.
step-band_default = This group of sites is looked at by age.
step-allow_list_only = At this age only chosen pages open.
step-rebinding = A site from outside is trying to reach a device in this home.
step-lookalike = The name of this page is made to look like a well-known one.
step-guessed = Nobody has listed this site yet, but it looks like this group.
step-nameless = This connection goes straight to an address without a name.
step-unexplained = The name and the address of this connection do not belong together.
step-hidden_name = This connection hides the true name of the site.

## Who can change it

change-nobody = Nobody can change this, not even a guardian.
change-authorities = Only the competent authorities can change this.
change-guardian = A guardian can change this.
change-guardian_by_name = A guardian can open single pages.
change-self = You can change this yourself in the settings.
