# A model against itself: no difference, and a hint that this is hardly meant.
small_pair
hma diff pre ./pre | tail -n 1
