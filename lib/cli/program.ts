import { readFileSync } from 'node:fs'
import { Command, CommanderError, type Option } from 'commander'
import { check } from './check/check.js'
import { matchingFlags } from './command-line.js'
import { credentials } from './credentials/credentials.js'
import { emulate } from './emulate/emulate.js'
import { addEmulateFlags } from './emulate/flags.js'
import { exec } from './exec.js'
import { addFlags, valueOrFile } from './flags.js'
import { HELP } from './help.js'
import { nearest } from './nearest.js'
import { UsageError } from './terminal/failure.js'

/** Flags of the AWS CLI that are not supported, each with the reason. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  '--no-sign-request': 'AWS returns logins only for signed requests',
  '--cli-auto-prompt': 'this command has no prompts',
}

const version = (): string => {
  const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return `pg-redshift-iam/${(file as { version: string }).version} Node/${process.versions.node}`
}

/**
 * Runs a command.
 * @param argv as returned by `normalizeArgv`
 * @throws UsageError, and the errors of the commands
 */
export async function run(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // The exit code is 0 if help or the version was printed.
    if (error.exitCode !== 0) throw new UsageError(explainParseError(error, program, argv))
  }
}

/** @param env the environment of the commands that `exec` and `emulate` run */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = configured(new Command('pg-redshift-iam'), HELP.main)
    .enablePositionalOptions()
    .helpCommand('help [command]')
    .argument('[command]')
    .action(name => {
      throw new UsageError(unknownCommand(program, name))
    })

  program.addCommand(
    addFlags(configured(new Command('check'), HELP.check))
      .option('--json')
      .action(flags => check(flags)),
  )

  const credentialsCommand = addFlags(configured(new Command('credentials'), HELP.credentials))
    .option('--query <expression>')
    .option('--output <format>')
    .option('--cli-input-json <json>', '', valueOrFile)
    .option('--cli-input-yaml <yaml>', '', valueOrFile)
    .option('--generate-cli-skeleton [kind]')
    // Flags of the AWS CLI without an effect here: there is no pager, no prompt and no binary input.
    .option('--no-paginate')
    .option('--no-cli-pager')
    .option('--no-cli-auto-prompt')
    .option('--cli-binary-format <format>')
    .action(flags => credentials(flags))
  for (const [flag, reason] of Object.entries(UNSUPPORTED))
    credentialsCommand.option(flag).on(`option:${flag.slice(2)}`, () => {
      throw new UsageError(`${flag} is not supported: ${reason}. Leave it out.`)
    })
  program.addCommand(credentialsCommand)

  program.addCommand(
    addFlags(configured(new Command('exec'), HELP.exec))
      .passThroughOptions()
      .argument('<command...>')
      .action(([command, ...parameters], flags) => exec(flags, command, parameters, env)),
  )

  program.addCommand(
    addEmulateFlags(configured(new Command('emulate'), HELP.emulate))
      .passThroughOptions()
      .argument('[command...]')
      .action((command, flags) => emulate(flags, command, env)),
  )
  return program
}

/** Errors are thrown instead of printed. */
const configured = (command: Command, help: string): Command =>
  command
    .version(version(), '--version')
    .configureHelp({ formatHelp: () => help })
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .exitOverride()

const unknownCommand = (program: Command, name: string | undefined): string => {
  const names = program.commands.map(command => command.name()).join(', ')
  return name === undefined
    ? `No command is given. Give one of ${names}; see --help.`
    : `There is no command ${JSON.stringify(name)}. Give one of ${names}; see --help.`
}

/** Returns the message for an error of commander. */
function explainParseError({ code, message }: CommanderError, program: Command, argv: readonly string[]): string {
  const [first, second] = argv
  const name = first === 'help' ? second : first
  const command = program.commands.find(candidate => candidate.name() === name)
  if (!command) return unknownCommand(program, name?.startsWith('-') ? undefined : name)
  const help = `${command.name()} --help`
  if (code === 'commander.unknownOption') {
    const [, flag = ''] = /unknown option '([^']*)'/.exec(message) ?? []
    return explainUnknownFlag(flag, command.options, help)
  }
  if (code === 'commander.missingArgument')
    return 'No command to run is given. Write it after two dashes: pg-redshift-iam exec --host NAME --db-name dev -- psql'
  if (code === 'commander.excessArguments')
    return `${JSON.stringify(command.args[0])} is not the value of a flag. Leave it out, or see ${help}.`
  const [, option, value, remedy] =
    /option '(\S+).*?' argument (?:'(.*)' is invalid\. (.*)|missing)/s.exec(message) ?? []
  if (option === undefined) return message.replace(/^error: /, '')
  if (value === undefined) return `${option} needs a value. Write it after the flag; see ${help}.`
  return `The value of ${option} is ${JSON.stringify(value)}. ${remedy}`
}

function explainUnknownFlag(flag: string, options: readonly Option[], help: string): string {
  const [name = ''] = flag.split('=', 1)
  const [match, ...others] = matchingFlags(name, options)
  if (others.length > 0) return `The flag ${name} is ambiguous. Write ${match} or ${others.join(' or ')}.`
  if (match !== undefined)
    return `${match} does not accept a value. Leave ${JSON.stringify(flag.slice(name.length))} out.`
  const flags = options.flatMap(({ long }) => long ?? [])
  return `There is no flag ${name}. Did you mean ${nearest(name, flags)}? See ${help}.`
}
