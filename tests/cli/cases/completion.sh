# The completion script is bash, and knows commands, options and the words of choices.
hma help --completion >script
. ./script
complete_line() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _hma
    echo "${COMPREPLY[*]}"
}
complete_line hma ver
complete_line hma help ver
complete_line hma version --j
