import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { check } from './check/check.js'
import { meanings } from './command-line.js'
import { credentials } from './credentials/credentials.js'
import { emulate } from './emulate/emulate.js'
import { addEmulateFlags } from './emulate/flags.js'
import { exec } from './exec.js'
import { addFlags, text } from './flags.js'
import { HELP } from './help.js'
import { nearest } from './nearest.js'
import { UsageError } from './terminal/failure.js'

/** Flags of the AWS CLI that promise what cannot be had here. */
const REFUSED: Readonly<Record<string, string>> = {
  '--no-sign-request': 'A login is only handed out to an AWS identity: the request must be signed. Leave the flag out.',
  '--cli-auto-prompt': 'There are no prompts here. Leave the flag out, and see --help for the others.',
}

const version = (): string => {
  const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return `pg-redshift-iam/${(file as { version: string }).version} Node/${process.versions.node}`
}

/**
 * Runs the command that is named.
 * @param argv in commander's words
 * @throws UsageError, and what the commands throw
 */
export async function run(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help or the version was asked for, and printed.
    if (error.exitCode !== 0) throw new UsageError(explain(error, program, argv))
  }
}

/** @param env the environment as the process found it, for what it starts */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = prepared(new Command('pg-redshift-iam'), HELP.main)
    .enablePositionalOptions()
    .helpCommand('help [command]')
    .argument('[command]')
    .action(name => {
      throw new UsageError(unknownCommand(program, name))
    })

  program.addCommand(
    addFlags(prepared(new Command('check'), HELP.check))
      .option('--json')
      .action(flags => check(flags)),
  )

  const print = addFlags(prepared(new Command('credentials'), HELP.credentials))
    .option('--query <expression>')
    .option('--output <format>')
    .option('--cli-input-json <json>', '', text)
    .option('--cli-input-yaml <yaml>', '', text)
    .option('--generate-cli-skeleton [kind]')
    // Of the AWS CLI, and without a meaning here: nothing is paged, prompted for or binary.
    .option('--no-paginate')
    .option('--no-cli-pager')
    .option('--no-cli-auto-prompt')
    .option('--cli-binary-format <format>')
    .action(flags => credentials(flags))
  for (const [flag, why] of Object.entries(REFUSED))
    print.option(flag).on(`option:${flag.slice(2)}`, () => {
      throw new UsageError(`${flag} cannot be kept. ${why}`)
    })
  program.addCommand(print)

  program.addCommand(
    addFlags(prepared(new Command('exec'), HELP.exec))
      .passThroughOptions()
      .argument('<command...>')
      .action(([command, ...parameters], flags) => exec(flags, command, parameters, env)),
  )

  program.addCommand(
    addEmulateFlags(prepared(new Command('emulate'), HELP.emulate))
      .passThroughOptions()
      .argument('[command...]')
      .action((command, flags) => emulate(flags, command, env)),
  )
  return program
}

/** Errors are thrown, and told by whoever runs the program. */
const prepared = (command: Command, help: string): Command =>
  command
    .version(version(), '--version')
    .configureHelp({ formatHelp: () => help })
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .exitOverride()

const unknownCommand = (program: Command, name: string | undefined): string => {
  const names = program.commands.map(command => command.name())
  return name === undefined
    ? `No command is named. The commands are ${names.join(', ')}; see --help.`
    : `There is no command ${JSON.stringify(name)}. The nearest is ${nearest(name, names)}; see --help.`
}

/** What a user reads of an error of commander's. */
function explain(error: CommanderError, program: Command, argv: readonly string[]): string {
  const command = program.commands.find(candidate => candidate.name() === argv[0])
  const flag = /unknown option '([^'=]+)/.exec(error.message)?.[1]
  if (flag !== undefined) {
    if (!command) return unknownCommand(program, argv[0]?.startsWith('-') ? undefined : argv[0])
    const [meant, ...others] = meanings(flag, command.options)
    if (others.length > 0) return `The flag ${flag} may be ${meant} or ${others.join(' or ')}. Write more of it.`
    const flags = command.options.flatMap(({ long }) => long ?? [])
    return `There is no flag ${flag}. The nearest is ${nearest(flag, flags)}; see ${command.name()} --help.`
  }
  if (error.code === 'commander.missingArgument')
    return 'No command to run is named. Write it after two dashes: pg-redshift-iam exec --host NAME --db-name dev -- psql'
  const message = error.message.replace(/^error: /, '')
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith('.') ? '' : '.'}`
}
