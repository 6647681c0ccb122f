# Places that cannot be written to: exit 4, and what is there stays readable.
small_disk disk 20M
ln -s "$DEMO" demo
(cd disk && demo_run && cp -rL pre here && hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 -q >/dev/null)
mount -o remount,ro disk
cd disk
echo "-- reading"
hma inspect here | head -n 1
hma front run | tail -n 1 | cut -d : -f 1
hma verify run
echo "-- writing"
echo '{"id":"1","type":"logits","ids":[1]}' >../../requests
refused hma merge pre post --ratio 0.5 --out out
refused hma score pre --requests ../../requests --output answers
refused hma eval pre --suite demo/suite.json --out results
refused hma sweep pre post --suite demo/suite.json --limit 2 --run new
refused hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1
refused hma export run --to front.h5
refused hma export run --to run/front.h5
refused hma inspect here --log log
cd ..
