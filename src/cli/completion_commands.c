/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shells' completion scripts. They hold no list: each asks the program that is being typed,
 * `satellite completion words -- WORD ...`, so that they never fall behind it.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/completion.h"
#include "cli/handlers.h"

enum { MAX_ANSWER = 256 * 1024 };

/* bash takes a line apart at "=" and ":" and shows no descriptions. */
static const char bash_script[] =
    "# bash completion of satellite\n"
    "_satellite() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} line\n"
    "    COMPREPLY=()\n"
    "    [ \"$current\" != = ] || current=\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "            :files | :directories)\n"
    "                local action=-f\n"
    "                [ \"$line\" = :files ] || action=-d\n"
    "                compopt -o filenames 2>/dev/null\n"
    "                mapfile -t COMPREPLY < <(compgen \"$action\" -- \"$current\")\n"
    "                ;;\n"
    "            *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" \\\n"
    "        2>/dev/null)\n"
    "}\n"
    "complete -F _satellite satellite\n";

static const char zsh_script[] =
    "#compdef satellite\n"
    "_satellite() {\n"
    "    local line\n"
    "    local -a found\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "            (:files) compset -P '--*='; _files; return ;;\n"
    "            (:directories) compset -P '--*='; _files -/; return ;;\n"
    "        esac\n"
    "        found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done < <(\"$words[1]\" completion words -- \"${(@)words[2,CURRENT-1]}\" \"$PREFIX\" \\\n"
    "        2>/dev/null)\n"
    "    _describe -t satellite satellite found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _satellite ]; then\n"
    "    _satellite \"$@\"\n"
    "else\n"
    "    compdef _satellite satellite\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion of satellite\n"
    "function __satellite_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l program $words[1]\n"
    "    set -e words[1]\n"
    "    set -l current (commandline -ct)\n"
    "    for line in ($program completion words -- $words \"$current\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':files'\n"
    "                __fish_complete_path (string replace -r '^--[^=]*=' '' -- \"$current\")\n"
    "            case ':directories'\n"
    "                __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "
    "\"$current\") ''\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c satellite -f -a '(__satellite_complete)'\n";

static enum scb_status print_words(const struct scb_command_context *context,
                                   struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_ANSWER};
    enum scb_status status =
        scb_complete(context->arguments + 1, context->argument_count - 1, &out, error);
    if (status == SCB_OK)
        (void)fwrite(out.data, 1, out.size, stdout);
    return status;
}

enum scb_status scb_command_completion(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    const char *shell = context->arguments[0];
    if (strcmp(shell, "words") == 0)
        return print_words(context, error);
    for (size_t i = 0; i < SCB_LENGTH(scripts); i++) {
        if (strcmp(shell, scripts[i].shell) == 0 && context->argument_count == 1) {
            (void)fputs(scripts[i].script, stdout);
            return SCB_OK;
        }
    }
    scb_error_set(error, SCB_ERROR_USAGE, "satellite completion takes one of bash, zsh and fish");
    return scb_error_hint(error, "write it like %s", context->command->example);
}
