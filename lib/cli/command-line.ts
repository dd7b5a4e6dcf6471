import type { Command, Option } from 'commander'

/** A flag with the values that follow it. */
interface ParsedFlag {
  readonly option: Option | undefined
  readonly words: readonly string[]
}

/**
 * Translates a command line from the conventions of the AWS CLI to those of commander: flags may be abbreviated or come before the
 * command, and the last of several lists counts. commander rejects what is invalid.
 */
export function normalizeArgv(argv: readonly string[], program: Command): string[] {
  const allOptions = program.commands.flatMap(({ options }) => options)
  const { length } = parseFlags(argv, allOptions)
  const [name, ...rest] = argv.slice(length)
  if (name === undefined) return [...argv]
  const words = [...argv.slice(0, length), ...rest]
  const command = program.commands.find(candidate => candidate.name() === name)
  const { flags, length: flagsLength } = parseFlags(words, command?.options ?? [])
  const isRepeated = ({ option }: ParsedFlag, index: number): boolean =>
    option?.variadic === true && flags.slice(index + 1).some(later => later.option === option)
  const kept = flags.filter((flag, index) => !isRepeated(flag, index))
  return [name, ...kept.flatMap(flag => flag.words), ...words.slice(flagsLength)]
}

/** Returns the long flag that a word equals, or all flags that it abbreviates. */
export function matchingFlags(word: string, options: readonly Option[]): string[] {
  const [name = ''] = word.split('=', 1)
  const flags = [...new Set(['--help', ...options.flatMap(({ long }) => long ?? [])])]
  return flags.includes(name) ? [name] : flags.filter(flag => name.length > 2 && flag.startsWith(name))
}

/** Parses the flags at the start of a command line, up to the first word that is neither a flag nor its value. */
function parseFlags(words: readonly string[], options: readonly Option[]): { flags: ParsedFlag[]; length: number } {
  const flags: ParsedFlag[] = []
  let start = 0
  while (start < words.length && isFlag(words[start])) {
    const word = words[start] ?? ''
    const [match, ...others] = matchingFlags(word, options)
    const expanded = others.length === 0 && match !== undefined ? word.replace(/^[^=]*/, match) : word
    const option = options.find(({ long }) => long === expanded.split('=', 1)[0])
    const end = word.includes('=') ? start + 1 : valuesEnd(words, start + 1, option)
    flags.push({ option, words: [expanded, ...words.slice(start + 1, end)] })
    start = end
  }
  return { flags, length: Math.min(start, words.length) }
}

/** Returns where the values of an option end. */
function valuesEnd(words: readonly string[], start: number, option: Option | undefined): number {
  // The next word is the value, even if it looks like a flag.
  if (option?.required && !option.variadic) return start + 1
  if (!option?.required && !option?.optional) return start
  let end = start
  while (end < words.length && !isFlag(words[end]) && words[end] !== '--' && (option.variadic || end === start))
    end += 1
  return end
}

const isFlag = (word: string | undefined): boolean => word?.startsWith('-') === true && word !== '--' && word !== '-'
