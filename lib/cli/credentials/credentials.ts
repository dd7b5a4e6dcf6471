import { stringify } from 'yaml'
import type { RedshiftLogin } from '../../index.js'
import type { Flags } from '../flags.js'
import { CONNECTION_FORMATS, type ConnectionFormat, connectionOf, formatConnection } from '../login/connection.js'
import { fetchLogin, openSource } from '../login/login.js'
import { type CallInput, requestFor, toOptions } from '../login/options.js'
import { profileSettings } from '../login/profile.js'
import { colorsFor } from '../terminal/colors.js'
import { UsageError } from '../terminal/failure.js'
import { AWS_FORMATS, format } from './formats.js'
import { readInput } from './input.js'
import { compileQuery, type Query } from './query.js'
import { API_INPUTS, type Api, answerOf, isApi, sampleAnswer } from './shapes.js'

export interface CredentialsFlags extends Flags {
  query?: string
  output?: string
  cliInputJson?: string
  cliInputYaml?: string
  generateCliSkeleton?: true | string
}

const isConnectionFormat = (kind: string): kind is ConnectionFormat =>
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
    const api = passwordApi(requestFor(options).api)
    return write(format(output, api, query(sampleAnswer(api)), colorsFor(flags.color, process.stdout)))
  }
  const database = options.dbName ?? options.database
  // A pgpass line may hold a star.
  if (isConnectionFormat(output) && output !== 'pgpass' && database === undefined)
    throw new UsageError(`--output ${output} needs a database. Give --db-name, or set PGDATABASE.`)
  const source = await openSource(flags, options)
  try {
    if (isConnectionFormat(output))
      return write(formatConnection(output, await connectionOf(source, await fetchLogin(source), database)))
    const api = passwordApi(source.request.api)
    const time = (date: Date) => timestamp(date, api, source.profile.timestampFormat)
    const show = (login: Pick<RedshiftLogin, 'user' | 'password' | 'expiration' | 'nextRefreshTime'>): string => {
      const { user, password, expiration, nextRefreshTime } = login
      const answer = {
        user,
        password,
        expiration: time(expiration),
        nextRefreshTime: nextRefreshTime && time(nextRefreshTime),
      }
      return format(output, api, query(answerOf(api, answer)), colorsFor(flags.color, process.stdout))
    }
    // A query that cannot be applied is refused before anything is sent.
    show({ user: '', password: '', expiration: new Date(0), nextRefreshTime: new Date(0) })
    write(show(await fetchLogin(source)))
  } finally {
    await source.close()
  }
}

/** The flags name no operation that gives a token. */
function passwordApi(api: string): Api {
  if (isApi(api)) return api
  throw new UsageError('A token is not printed. Call RedshiftCredentials.getToken() in your program.')
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

/** As the AWS CLI chooses it: flag, variable, profile, JSON. */
async function outputFormat(flags: CredentialsFlags): Promise<string> {
  const [by, kind] =
    flags.output !== undefined
      ? ['--output', flags.output]
      : process.env.AWS_DEFAULT_OUTPUT
        ? ['AWS_DEFAULT_OUTPUT', process.env.AWS_DEFAULT_OUTPUT]
        : ['The profile', (await profileSettings(flags.profile)).output ?? 'json']
  const kinds: readonly string[] = [...AWS_FORMATS, ...CONNECTION_FORMATS]
  if (!kinds.includes(kind))
    throw new UsageError(
      `${by} says ${JSON.stringify(kind)}, which is no output format. The formats are ${kinds.join(', ')}.`,
    )
  return kind
}

function queryOf({ query }: CredentialsFlags, output: string): Query {
  if (query === undefined) return answer => answer
  if (isConnectionFormat(output))
    throw new UsageError(`--query has nothing to choose from with --output ${output}. Leave one of them out.`)
  return compileQuery(query)
}

/** Times as version 2 of the AWS CLI prints them, or as the service sends them. */
function timestamp(date: Date, api: Api, kind: string | undefined): string | number {
  if (kind === 'wire') return api === 'GetCredentials' ? date.getTime() / 1_000 : date.toISOString()
  return date
    .toISOString()
    .replace(/(?:\.000|(\.\d{3}))Z$/, (_, millis?: string) => `${millis ? `${millis}000` : ''}+00:00`)
}

async function inputSkeleton(kind: true | string, flags: Flags, input: CallInput | undefined): Promise<string> {
  const { parseRedshiftHost } = await import('../../index.js')
  if (kind !== true && kind !== 'input' && kind !== 'yaml-input')
    throw new UsageError(`--generate-cli-skeleton takes input, yaml-input or output, not ${JSON.stringify(kind)}.`)
  const serverless =
    flags.dbUser === undefined &&
    (flags.workgroupName !== undefined ||
      input?.service === 'redshift-serverless' ||
      parseRedshiftHost(flags.host ?? process.env.PGHOST ?? '')?.kind === 'serverless')
  const parameters = API_INPUTS[serverless ? 'GetCredentials' : 'GetClusterCredentials']
  if (kind === 'yaml-input')
    return Object.entries(parameters)
      .map(([name, { sample, about }]) =>
        stringify({ [name]: sample }, { singleQuote: true, indentSeq: false }).replace('\n', `  # ${about}\n`),
      )
      .join('')
  const samples = Object.entries(parameters).map(([name, { sample }]) => [name, sample])
  return `${JSON.stringify(Object.fromEntries(samples), null, 4)}\n`
}
