import type { Command, Option } from 'commander'

/** A flag as it was written, with the values that follow it. */
interface Written {
  readonly option: Option | undefined
  readonly words: readonly string[]
}

/**
 * A command line as the AWS CLI understands it, in the words of commander: flags may be cut short, may stand before the command, and
 * of a list that is given twice the last one counts. What cannot be understood stays as it is, for commander to refuse.
 */
export function normalizeArgv(argv: readonly string[], program: Command): string[] {
  const everyFlag = program.commands.flatMap(({ options }) => options)
  const { length: before } = readFlags(argv, everyFlag)
  const [name, ...behind] = argv.slice(before)
  if (name === undefined) return [...argv]
  const words = [...argv.slice(0, before), ...behind]
  const command = program.commands.find(candidate => candidate.name() === name)
  const { written, length } = readFlags(words, command?.options ?? [])
  const flags = written.filter(
    ({ option }, index) => !option?.variadic || !written.some((later, at) => at > index && later.option === option),
  )
  return [name, ...flags.flatMap(flag => flag.words), ...words.slice(length)]
}

/** The long flags that a word may mean: itself, or all that begin with it. */
export function meanings(word: string, options: readonly Option[]): string[] {
  const [name = ''] = word.split('=', 1)
  const flags = [...new Set(['--help', ...options.flatMap(({ long }) => long ?? [])])]
  return flags.includes(name) ? [name] : flags.filter(flag => name.length > 2 && flag.startsWith(name))
}

/** The flags at the start of a command line, up to the first word that is neither a flag nor a flag's value. */
function readFlags(words: readonly string[], options: readonly Option[]): { written: Written[]; length: number } {
  const written: Written[] = []
  let at = 0
  while (at < words.length && isFlag(words[at])) {
    const word = words[at] ?? ''
    const [flag, ...others] = meanings(word, options)
    const whole = others.length === 0 && flag !== undefined ? word.replace(/^[^=]*/, flag) : word
    const option = options.find(({ long }) => long === whole.split('=', 1)[0])
    let end = at + 1
    // A flag that wants a value takes the next word, whatever it looks like; the others take what is no flag.
    if (option && !word.includes('=')) {
      if (option.required && !option.variadic) end += 1
      else if (option.required || option.optional)
        while (end < words.length && !isFlag(words[end]) && words[end] !== '--' && (option.variadic || end === at + 1))
          end += 1
    }
    written.push({ option, words: [whole, ...words.slice(at + 1, end)] })
    at = end
  }
  return { written, length: Math.min(at, words.length) }
}

const isFlag = (word: string | undefined): boolean => word?.startsWith('-') === true && word !== '--' && word !== '-'
