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
