# Things that are no weights file, though they have its name: named for what they are, never waited for, exit 3 or 4.
copy "$TESTS/golden/merge/llama-gqa-tied/pre" m
file=m/model.safetensors
again() {
    echo "-- $1"
    rm -rf $file
}
again "a directory"
mkdir $file
refused hma inspect m
again "a FIFO"
mkfifo $file
refused timeout 20 hma inspect m
again "a device"
ln -s /dev/zero $file
refused timeout 20 hma inspect m
again "a dangling link"
ln -s nowhere $file
refused hma inspect m
again "a loop of links"
ln -s model.safetensors $file
refused hma inspect m
again "a pointer of Git LFS"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 269060552\n' 0 >$file
refused hma inspect m
again "a pickle"
printf '\x80\x02}q\x00(X\x05\x00\x00\x00abcde0123456789' >$file
refused hma inspect m
again "a zip archive, as torch.save writes"
printf 'PK\x03\x04\x00\x00\x08\x08\x00\x00abcdefghijklm' >$file
refused hma inspect m
again "GGUF"
printf 'GGUF\x03\x00\x00\x00\x00\x00\x00\x00abcdefgh' >$file
refused hma inspect m
again "a page of a web server"
printf '<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n' >$file
refused hma inspect m
again "JSON"
printf '{"error":"Repository not found"}\n' >$file
refused hma inspect m
again "no file at all"
refused hma inspect m
echo "-- the folder itself"
refused hma inspect nowhere
refused hma inspect m/config.json
mkfifo fifo
refused timeout 20 hma inspect fifo
ln -s loop loop
refused hma inspect loop
mkdir empty
refused hma inspect empty
refused hma inspect ""
echo "-- names that would drive a terminal"
refused hma inspect $'a\nb'
mkdir $'red\e[31m\nfolder' $'blue\xc2\x9b34m'
refused hma inspect $'red\e[31m\nfolder'
refused hma inspect $'blue\xc2\x9b34m'
