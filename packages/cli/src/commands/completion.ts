import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { printJson } from "../output.ts";

type Commands = Readonly<Record<string, Command>>;

/** `--name` and `-n` of a command's options. */
function optionsOf({ options }: Command): readonly string[] {
  const own = Object.entries(options).flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])]);
  return [...own, "--output", "-o", "--help"];
}

/** By first word: the words that may follow it. */
function secondWords(commands: Commands): ReadonlyMap<string, readonly string[]> {
  const pairs = Object.keys(commands).map((name) => name.split(" "));
  return new Map(
    [...Map.groupBy(pairs, ([first = ""]) => first)].map(([first, all]) => [
      first,
      all.flatMap(([, second]) => second ?? []),
    ]),
  );
}

/** Offers words of commands, then their options; paths where neither fits. For bash, and for zsh by `bashcompinit`. */
function bash(commands: Commands): string {
  const words = secondWords(commands);
  const seconds = [...words].filter(([, all]) => all.length > 0);
  const branch = ([name, command]: readonly [string, Command]) =>
    `    "${name}"${name.includes(" ") ? "" : `|"${name} "*`}) words="${optionsOf(command).join(" ")}" ;;`;
  return `_fairlead() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${Object.entries(commands)
  .sort(([a], [b]) => b.split(" ").length - a.split(" ").length)
  .map(branch)
  .join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${[...words.keys()].join(" ")}"; fi
  if [ "$COMP_CWORD" -eq 2 ]; then
    case "\${COMP_WORDS[1]}" in
${seconds.map(([first, all]) => `      ${first}) words="${all.join(" ")}" ;;`).join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _fairlead fairlead
`;
}

/** @param commands told when it runs: it is one of them. */
export function completionOf(commands: () => Commands): Command {
  return {
    summary: "A script by which a shell completes commands and options: source it.",
    usage: "bash|zsh [-o json]",
    options: {},
    positionals: { least: 1, most: 1 },
    async run(call, terminal) {
      const [shell] = call.positionals;
      if (shell !== "bash" && shell !== "zsh")
        throw new CliError("usage", `there is completion for bash and zsh, not ${JSON.stringify(shell)}`);
      const script = `${shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : ""}${bash(commands())}`;
      if (call.json) printJson(terminal, { shell, script });
      else terminal.out(script);
      return 0;
    },
  };
}
