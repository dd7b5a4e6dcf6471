import { stringify } from 'yaml'
import type { RedshiftLogin } from '../../index.js'
import type { Flags } from '../flags.js'
import { CONNECTION_FORMATS, type ConnectionFormat, connectionOf, formatConnection } from '../login/connection.js'
import { type CallInput, requestFor, toOptions } from '../login/options.js'
import { readProfileSettings } from '../login/profile.js'
import { fetchLogin, openSource } from '../login/source.js'
import { colorsFor } from '../terminal/colors.js'
import { UsageError } from '../terminal/failure.js'
import { AWS_FORMATS, type AwsFormat, format } from './formats.js'
import { readInput } from './input.js'
import { compileQuery, type Query } from './query.js'
import { isPasswordApi, PARAMETERS, type PasswordApi, responseOf, sampleResponse } from './shapes.js'

export interface CredentialsFlags extends Flags {
  query?: string
  output?: string
  cliInputJson?: string
  cliInputYaml?: string
  generateCliSkeleton?: true | string
}

type OutputFormat = AwsFormat | ConnectionFormat
const OUTPUT_FORMATS: readonly string[] = [...AWS_FORMATS, ...CONNECTION_FORMATS]
const isOutputFormat = (kind: string): kind is OutputFormat => OUTPUT_FORMATS.includes(kind)

const isConnectionFormat = (kind: OutputFormat): kind is ConnectionFormat =>
  (CONNECTION_FORMATS as readonly string[]).includes(kind)

/** `credentials`: prints a login on stdout. */
export async function credentials(flags: CredentialsFlags): Promise<void> {
  const input = inputOf(flags)
  const skeleton = flags.generateCliSkeleton
  if (skeleton !== undefined && skeleton !== 'output') return write(await inputSkeleton(skeleton, flags, input))
  const output = await outputFormat(flags)
  const query = queryOf(flags, output)
  const options = toOptions(flags, 'print', input)
  if (skeleton === 'output') {
    if (isConnectionFormat(output)) throw incompatibleWith(output, '--generate-cli-skeleton')
    const api = checkApi(requestFor(options).api)
    return write(format(output, api, query(sampleResponse(api)), colorsFor(flags.color, process.stdout)))
  }
  const database = options.dbName ?? options.database
  // In a pgpass line, an asterisk stands for any database.
  if (isConnectionFormat(output) && output !== 'pgpass' && database === undefined)
    throw new UsageError(`--output ${output} needs a database. Give --db-name, or set PGDATABASE.`)
  const source = await openSource(flags, options)
  try {
    if (isConnectionFormat(output))
      return write(formatConnection(output, await connectionOf(source, await fetchLogin(source), database)))
    const api = checkApi(source.request.api)
    const time = (date: Date) => timestamp(date, api, source.profile.timestampFormat)
    const show = (login: Pick<RedshiftLogin, 'user' | 'password' | 'expiration' | 'nextRefreshTime'>): string => {
      const { user, password, expiration, nextRefreshTime } = login
      const fields = {
        user,
        password,
        expiration: time(expiration),
        nextRefreshTime: nextRefreshTime && time(nextRefreshTime),
      }
      return format(output, api, query(responseOf(api, fields)), colorsFor(flags.color, process.stdout))
    }
    // Applies the query to an empty login first, so that an invalid one is refused before anything is sent.
    show({ user: '', password: '', expiration: new Date(0), nextRefreshTime: new Date(0) })
    write(show(await fetchLogin(source)))
  } finally {
    await source.close()
  }
}

function checkApi(api: string): PasswordApi {
  if (isPasswordApi(api)) return api
  throw new UsageError('credentials does not print tokens. Call RedshiftCredentials.getToken() in your program.')
}

const write = (text: string): void => {
  process.stdout.write(text)
}

function inputOf({ cliInputJson, cliInputYaml }: CredentialsFlags): CallInput | undefined {
  if (cliInputJson !== undefined && cliInputYaml !== undefined)
    throw new UsageError('--cli-input-json and --cli-input-yaml are both given. Keep one of them.')
  if (cliInputJson !== undefined) return readInput('--cli-input-json', cliInputJson)
  return cliInputYaml === undefined ? undefined : readInput('--cli-input-yaml', cliInputYaml)
}

/** Chooses the format as the AWS CLI does: by flag, variable, profile, or JSON. */
async function outputFormat(flags: CredentialsFlags): Promise<OutputFormat> {
  const [origin, kind] =
    flags.output !== undefined
      ? ['--output', flags.output]
      : process.env.AWS_DEFAULT_OUTPUT
        ? ['AWS_DEFAULT_OUTPUT', process.env.AWS_DEFAULT_OUTPUT]
        : ['output in the profile', (await readProfileSettings(flags.profile)).output ?? 'json']
  if (!isOutputFormat(kind))
    throw new UsageError(
      `${origin} is ${JSON.stringify(kind)}, which is not an output format. Give one of ${OUTPUT_FORMATS.join(', ')}.`,
    )
  return kind
}

function queryOf({ query }: CredentialsFlags, output: OutputFormat): Query {
  if (query === undefined) return response => response
  if (isConnectionFormat(output)) throw incompatibleWith(output, '--query')
  return compileQuery(query)
}

/** The formats for libpq do not contain AWS's response. */
const incompatibleWith = (output: OutputFormat, flag: string): UsageError =>
  new UsageError(`${flag} does not work with --output ${output}. Leave one of them out.`)

/** Formats a time as version 2 of the AWS CLI does, or as the service sends it. */
function timestamp(date: Date, api: PasswordApi, kind: string | undefined): string | number {
  if (kind === 'wire') return api === 'GetCredentials' ? date.getTime() / 1_000 : date.toISOString()
  return date
    .toISOString()
    .replace(/(?:\.000|(\.\d{3}))Z$/, (_, millis?: string) => `${millis ? `${millis}000` : ''}+00:00`)
}

async function inputSkeleton(kind: true | string, flags: Flags, input: CallInput | undefined): Promise<string> {
  const { parseRedshiftHost } = await import('../../index.js')
  if (kind !== true && kind !== 'input' && kind !== 'yaml-input')
    throw new UsageError(`--generate-cli-skeleton is ${JSON.stringify(kind)}. Give input, yaml-input or output.`)
  const serverless =
    flags.dbUser === undefined &&
    (flags.workgroupName !== undefined ||
      input?.service === 'redshift-serverless' ||
      parseRedshiftHost(flags.host ?? process.env.PGHOST ?? '')?.kind === 'serverless')
  const parameters = PARAMETERS[serverless ? 'GetCredentials' : 'GetClusterCredentials']
  if (kind === 'yaml-input')
    return Object.entries(parameters)
      .map(([name, { sample, about }]) =>
        stringify({ [name]: sample }, { singleQuote: true, indentSeq: false }).replace('\n', `  # ${about}\n`),
      )
      .join('')
  const samples = Object.entries(parameters).map(([name, { sample }]) => [name, sample])
  return `${JSON.stringify(Object.fromEntries(samples), null, 4)}\n`
}
