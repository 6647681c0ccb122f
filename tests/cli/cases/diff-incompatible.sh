# Two models that do not fit: all differences at once, exit 5.
small_pair
ln -s "$DEMO" demo
try unchanged hma diff pre demo/post
try hma diff pre demo/post --json
sed -i 's/"rope_theta": [0-9.]*/"rope_theta": 123.0/' post/config.json
try hma diff pre post
