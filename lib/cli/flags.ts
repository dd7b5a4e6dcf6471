import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { enableDebug } from './terminal/debug.js'
import { codeOf } from './terminal/failure.js'

/** The flags of `check`, `credentials` and `exec`. */
export interface Flags {
  clusterIdentifier?: string
  workgroupName?: string
  customDomainName?: string
  dbUser?: string
  dbName?: string
  dbGroups?: string[]
  autoCreate?: boolean
  durationSeconds?: number
  identityCenter?: boolean
  host?: string
  port?: number
  region?: string
  profile?: string
  endpointUrl?: string
  caBundle?: string
  verifySsl: boolean
  cliConnectTimeout?: number
  cliReadTimeout?: number
  color: 'on' | 'off' | 'auto'
  debug?: boolean
}

/** Returns the value, or the content of the file that it names, as in the AWS CLI: `file://input.json`, `fileb://~/input.json`. */
export function valueOrFile(value: string): string {
  const file = /^fileb?:\/\/(.*)/.exec(value)?.[1]
  if (file === undefined) return value
  const path = file.replace(/^~(?=\/|$)/, homedir())
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new InvalidArgumentError(`The file ${JSON.stringify(path)} cannot be read (${codeOf(error)}).`)
  }
}

export const parseInteger = (value: string): number => {
  if (!/^\+?\d+$/.test(value)) throw new InvalidArgumentError('Give a whole number.')
  return Number(value)
}

/** An empty name would select no profile, and the AWS credentials would come from elsewhere. */
const parseProfile = (value: string): string => {
  if (value === '') throw new InvalidArgumentError('Give the name of a profile, or leave the flag out.')
  return value
}

/** Parses a list: `a b`, or JSON as in the AWS CLI, `'["a","b"]'`. */
export const parseNames = (value: string, previous: unknown): string[] => {
  const names = Array.isArray(previous) ? previous : []
  if (!value.startsWith('[')) return [...names, valueOrFile(value)]
  const list = parseJson(value)
  if (!Array.isArray(list) || !list.every(name => typeof name === 'string'))
    throw new InvalidArgumentError(
      'It starts with a bracket, but is not a JSON list of strings. Separate names by spaces.',
    )
  return [...names, ...list]
}

/** Undefined if the value is not valid JSON. */
function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** Adds the flags of `check`, `credentials` and `exec`. Those for AWS have the names and meanings of the AWS CLI's. */
export function addFlags(command: Command): Command {
  return command
    .option('--cluster-identifier <id>', '', valueOrFile)
    .option('--workgroup-name <name>', '', valueOrFile)
    .option('--custom-domain-name <name>', '', valueOrFile)
    .option('--db-user <name>', '', valueOrFile)
    .option('--db-name <name>', '', valueOrFile)
    .option('--db-groups [names...]', '', parseNames)
    .option('--auto-create')
    .option('--no-auto-create')
    .option('--duration-seconds <seconds>', '', parseInteger)
    .option('--identity-center')
    .option('--host <name>')
    .option('--port <number>', '', parseInteger)
    .option('--region <region>')
    .option('--profile <name>', '', parseProfile)
    .option('--endpoint-url <url>')
    .option('--ca-bundle <file>')
    .option('--no-verify-ssl')
    .option('--cli-connect-timeout <seconds>', '', parseInteger)
    .option('--cli-read-timeout <seconds>', '', parseInteger)
    .addOption(new Option('--color <when>').choices(['on', 'off', 'auto']).default('auto'))
    .option('--debug')
    .on('option:debug', enableDebug)
}
