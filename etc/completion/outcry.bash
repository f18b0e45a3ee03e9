# Completion in bash. What a program takes, it says itself (click). Read by checkout.bash, for bin/PROGRAM; where Outcry is
# installed by the file that bash-completion loads for the one command NAME: NAME PROGRAM …

declare -gA _outcry_programs # command -> the folder of its programs

# The line from its word FIRST on, which calls PROGRAM.
_outcry_ask() { # FIRST PROGRAM
    local words=("${COMP_WORDS[@]:$1}") name=${2##*/} kind value IFS=$'\n'
    words[0]=$name
    while IFS=, read -r kind value; do
        case $kind in
        plain) COMPREPLY+=("$value") ;;
        file) compopt -o default ;;
        dir) compopt -o dirnames ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$((COMP_CWORD - $1)) "_${name^^}_COMPLETE=bash_complete" "$2" 2>/dev/null)
}

_outcry_command() { # NAME PROGRAM …
    local folder=${_outcry_programs[$1]} program=${COMP_WORDS[1]##*/}
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(cd "$folder" && compgen -W "$(echo [a-z]*)" -- "$program")
    elif [ -x "$folder/$program" ]; then
        _outcry_ask 1 "$folder/$program"
    fi
}

_outcry_in_checkout() { # bin/PROGRAM …
    _outcry_ask 0 "${_outcry_programs[bin]}/${1##*/}"
}

_outcry_begin() { # FOLDER [NAME]
    local program
    _outcry_programs[${2-bin}]=$1
    if [ $# = 2 ]; then
        complete -F _outcry_command "$2"
        return
    fi
    for program in "$1"/[a-z]*; do
        complete -F _outcry_in_checkout "bin/${program##*/}" "./bin/${program##*/}"
    done
}
