# Every export, by suffix and several at once; the same run gives the same bytes again; and what cannot be written.
demo_run
hma sweep pre post --suite demo/suite.json --limit 3 --run run --grid 0:1:0.5 -q >/dev/null
hma export run --to front.h5 --to front.csv --to front.json --to front.svg --to front.html --to page.ipynb --mergekit front.yml
ls
hma export run --to again.h5 --to again.csv --to again.json --to again.svg --to again.html --mergekit again.yml
for suffix in h5 csv json svg html yml; do
    cmp front.$suffix again.$suffix
done
cmp front.h5 page.h5
cmp front.json <(hma front run --json) && echo "export and front --json agree"
echo "-- points"
hma export run --mergekit post.yml --point post
hma export run --mergekit half.yml --point 0.5
cmp -s post.yml half.yml || echo "are told apart"
echo "-- what cannot be written"
refused hma export run --to front
refused hma export run --to front.xls
refused hma export run --to .h5
refused hma export run --to nowhere/front.h5
refused hma export run --to run
refused hma export run --to run/suite.json
refused hma export run --to run/../run/suite.json
refused hma export run --mergekit run/journal.sqlite
refused hma export run --to x.csv --log run/journal.sqlite
cp -rL post model
refused hma export run --to model/config.json
refused hma export run --mergekit model/hma-recipe.json
mkdir folder.h5
refused hma export run --to folder.h5
refused hma export run --to good.csv --to bad.xls
refused hma export run --to good.csv --mergekit x.yml --point 7
echo "-- in the run's own folder"
hma export run --to run/front.csv
ls run
hma verify run
echo "-- old files stay when a new one cannot be written"
cp front.h5 before.h5
(ulimit -f 4 && refused hma export run --to front.h5)
cmp front.h5 before.h5
