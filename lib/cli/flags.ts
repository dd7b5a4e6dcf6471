import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { turnDebugOn } from './terminal/debug.js'
import { codeOf } from './terminal/failure.js'

/** The flags that all commands take. */
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

/** A value, or the content of the file that it names, as everywhere in the AWS CLI: `file://input.json`, `fileb://~/input.json`. */
export function text(value: string): string {
  const named = /^fileb?:\/\/(.*)/.exec(value)?.[1]
  if (named === undefined) return value
  const path = named.replace(/^~(?=\/|$)/, homedir())
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new InvalidArgumentError(`The file ${JSON.stringify(path)} cannot be read (${codeOf(error)}).`)
  }
}

export const whole = (value: string): number => {
  if (!/^\+?\d+$/.test(value)) throw new InvalidArgumentError('It is a whole number.')
  return Number(value)
}

/** `a b`, or the AWS CLI's other spelling of a list, `'["a","b"]'`. */
export const names = (value: string, before: unknown): string[] => {
  const collected = Array.isArray(before) ? before : []
  if (!value.startsWith('[')) return [...collected, text(value)]
  try {
    return [...collected, ...JSON.parse(value)]
  } catch {
    throw new InvalidArgumentError('It starts like a JSON list, but is none. Write names with spaces between.')
  }
}

/** Adds the flags that all commands take. Those of AWS have the AWS CLI's names and meanings. */
export function addFlags(command: Command): Command {
  return command
    .option('--cluster-identifier <id>', '', text)
    .option('--workgroup-name <name>', '', text)
    .option('--custom-domain-name <name>', '', text)
    .option('--db-user <name>', '', text)
    .option('--db-name <name>', '', text)
    .option('--db-groups [names...]', '', names)
    .option('--auto-create')
    .option('--no-auto-create')
    .option('--duration-seconds <seconds>', '', whole)
    .option('--identity-center')
    .option('--host <name>')
    .option('--port <number>', '', whole)
    .option('--region <region>')
    .option('--profile <name>')
    .option('--endpoint-url <url>')
    .option('--ca-bundle <file>')
    .option('--no-verify-ssl')
    .option('--cli-connect-timeout <seconds>', '', whole)
    .option('--cli-read-timeout <seconds>', '', whole)
    .addOption(new Option('--color <when>').choices(['on', 'off', 'auto']).default('auto'))
    .option('--debug')
    .on('option:debug', turnDebugOn)
}
