import { optionError, quoted, targetError } from './errors.js'
import { namelessHost, parseRedshiftHost } from './host.js'
import {
  checkDatabaseName,
  checkGroupName,
  checkUserName,
  parseIamUser,
  serverlessClusterIdentifier,
  serverlessWorkgroup,
} from './identifiers.js'
import { isAwsClient, type RedshiftApi, type RedshiftOptions } from './options.js'

/** What is read off a connection: pg's `ConnectionParameters`, or any object of that form. */
export interface RedshiftConnection {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  readonly database?: string | null | undefined
  readonly user?: string | null | undefined
  readonly ssl?: unknown
}

interface RequestBase {
  readonly region: string | undefined
  readonly customDomainName: string | undefined
  /** Undefined: the login is good for every database. */
  readonly dbName: string | undefined
  readonly durationSeconds: number
}

/** One call to AWS, complete and checked. */
export type CredentialRequest =
  | (RequestBase & {
      readonly api: 'GetClusterCredentials'
      readonly clusterIdentifier: string | undefined
      readonly dbUser: string
      readonly dbGroups: readonly string[]
      readonly autoCreate: boolean
    })
  | (RequestBase & { readonly api: 'GetClusterCredentialsWithIAM'; readonly clusterIdentifier: string | undefined })
  | (RequestBase & { readonly api: 'GetCredentials'; readonly workgroupName: string | undefined })

/** Cluster or workgroup, or the custom domain that stands for it. */
export const targetOf = (request: CredentialRequest): string =>
  (request.api === 'GetCredentials' ? request.workgroupName : request.clusterIdentifier) ??
  request.customDomainName ??
  ''

/** The environment variables that are read. */
export type Environment = Readonly<Partial<Record<'PGHOST' | 'PGDATABASE' | 'PGUSER', string | undefined>>>

interface Target {
  readonly kind: 'provisioned' | 'serverless'
  readonly name: string
}

/** Something that names a target or a region, and where it says so. */
interface Claim<T> {
  readonly by: string
  readonly value: T
}

/** The first claim, after all the others were found to agree with it. */
function agreed<T>(what: string, claims: readonly Claim<T>[], text: (value: T) => string): T | undefined {
  const [first, ...others] = claims
  if (!first) return undefined
  for (const other of others)
    if (text(other.value) !== text(first.value))
      throw targetError(
        `${first.by} says ${what} ${quoted(text(first.value))}, but ${other.by} says ${quoted(text(other.value))}. ` +
          `A login for one must not go to another: correct one of them, or leave ${first.by.split(' ')[0]} out.`,
      )
  return first.value
}

const clusterTarget = (name: string): Target => {
  const workgroup = serverlessWorkgroup(name)
  return workgroup === undefined ? { kind: 'provisioned', name } : { kind: 'serverless', name: workgroup }
}

const unsayingHost = (host: string): string => {
  const nameless = namelessHost(host)
  if (nameless === 'old-serverless')
    return `The host ${quoted(host)} is of an old form that does not name its workgroup. Set workgroupName.`
  if (nameless === 'managed-vpc-endpoint')
    return `The host ${quoted(host)} is a managed VPC endpoint, whose first part is not the workgroup. Set workgroupName.`
  return `The host ${quoted(host)} does not say which cluster or workgroup it leads to. Set clusterIdentifier or workgroupName, and region.`
}

/** The API, where the options leave it open. */
function chooseApi(options: RedshiftOptions, kind: Target['kind'], user: string | undefined): RedshiftApi {
  if (options.api) return options.api
  if (kind === 'serverless') return options.dbUser === undefined ? 'GetCredentials' : 'GetClusterCredentials'
  if (options.dbUser !== undefined) return 'GetClusterCredentials'
  return user === undefined || parseIamUser(user).prefix === 'IAMR'
    ? 'GetClusterCredentialsWithIAM'
    : 'GetClusterCredentials'
}

/** Options that only `GetClusterCredentials` takes. */
const USER_OPTIONS = ['dbUser', 'dbGroups', 'autoCreate'] as const

function refuseUserOptions(options: RedshiftOptions, api: RedshiftApi): void {
  for (const option of USER_OPTIONS)
    if (options[option] !== undefined)
      throw optionError(
        `${option} is set, but ${api} does not take it: AWS chooses the user. ` +
          (options.api || option === 'dbUser'
            ? `Leave ${option} out, or set api to 'GetClusterCredentials'.`
            : `Leave ${option} out, or set dbUser.`),
      )
}

/** Who logs in, for `GetClusterCredentials`. */
function databaseUser(options: RedshiftOptions, user: string | undefined) {
  const parsed = user === undefined ? undefined : parseIamUser(user)
  if (options.dbUser === undefined && parsed?.prefix === 'IAMR')
    throw optionError(
      `The user ${quoted(user)} is a role, for which GetClusterCredentials gives no login. Leave api out, or set dbUser.`,
    )
  const dbUser = options.dbUser ?? parsed?.name
  if (dbUser === undefined)
    throw optionError("GetClusterCredentials needs a user. Set dbUser, or the connection's user to IAM:name.")
  checkUserName(options.dbUser === undefined ? 'user' : 'dbUser', dbUser)
  const same = parsed?.name === dbUser ? parsed : undefined
  const dbGroups = [...new Set(options.dbGroups ?? same?.groups)].sort()
  for (const group of dbGroups) checkGroupName(options.dbGroups ? 'dbGroups' : 'user', group)
  return { dbUser, dbGroups, autoCreate: options.autoCreate ?? same?.prefix === 'IAMA' }
}

function databaseName(
  options: RedshiftOptions,
  connection: RedshiftConnection,
  env: Environment,
  user: string | undefined,
): string | undefined {
  if (options.dbName === null) return undefined
  const wanted = options.dbName ?? options.database
  const actual = connection.database ?? undefined
  const dbName = wanted ?? actual ?? env.PGDATABASE
  if (dbName === undefined || dbName === '' || (wanted === undefined && dbName === user))
    throw optionError(
      "No database is named, and pg falls back to the user's name. Set database, or PGDATABASE, or dbName: null for a login that is good for every database.",
    )
  if (actual !== undefined && actual !== dbName)
    throw optionError(
      `The login is for the database ${quoted(dbName)}, but the connection goes to ${quoted(actual)}. ` +
        `Leave ${options.dbName === undefined ? 'database' : 'dbName'} out of the options, or set dbName: null for a login that is good for every database.`,
    )
  checkDatabaseName('database', dbName)
  return dbName
}

/**
 * Puts together which login to ask AWS for. Pure: nothing is sent.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export function resolveRequest(
  options: RedshiftOptions,
  connection: RedshiftConnection = {},
  env: Environment = {},
): CredentialRequest {
  const hosts: Claim<string>[] = []
  if (options.host !== undefined) hosts.push({ by: 'host (option)', value: options.host })
  if (connection.host) hosts.push({ by: 'host (connection)', value: connection.host })
  if (hosts.length === 0 && env.PGHOST) hosts.push({ by: 'PGHOST', value: env.PGHOST })
  const parsed = hosts.flatMap(({ by, value }) => {
    const host = parseRedshiftHost(value)
    return host ? [{ by, value: host }] : []
  })

  const targets: Claim<Target>[] = [...parsed]
  if (options.workgroupName !== undefined)
    targets.unshift({ by: 'workgroupName', value: { kind: 'serverless', name: options.workgroupName } })
  if (options.clusterIdentifier !== undefined)
    targets.unshift({ by: 'clusterIdentifier', value: clusterTarget(options.clusterIdentifier) })
  const target = agreed('the target is', targets, ({ kind, name }) => `${kind} ${name}`)

  const regions: Claim<string>[] = parsed.map(({ by, value }) => ({ by, value: value.region }))
  if (options.aws && !isAwsClient(options.aws) && typeof options.aws.region === 'string')
    regions.unshift({ by: 'aws.region', value: options.aws.region })
  if (options.region !== undefined) regions.unshift({ by: 'region', value: options.region })
  const region = agreed('the region is', regions, value => value)

  const { customDomainName } = options
  if (!target && customDomainName === undefined) {
    const silent = hosts[0]
    throw targetError(
      silent
        ? unsayingHost(silent.value)
        : 'No cluster or workgroup is named. Set host to its own host name, or clusterIdentifier or workgroupName, and region.',
    )
  }
  if (!target && !options.api)
    throw targetError(
      `customDomainName ${quoted(customDomainName)} does not say whether it leads to a cluster or to a workgroup. ` +
        'Set api, or clusterIdentifier or workgroupName as well.',
    )

  const user = options.user ?? connection.user ?? (env.PGUSER || undefined)
  const kind = options.clusterIdentifier !== undefined ? 'provisioned' : (target?.kind ?? 'provisioned')
  const api = chooseApi(options, kind, user)
  const base = {
    region,
    customDomainName,
    dbName: databaseName(options, connection, env, user),
    durationSeconds: options.durationSeconds ?? 900,
  }

  if (api === 'GetCredentials') {
    if (target && kind === 'provisioned')
      throw optionError(
        `api is GetCredentials, which is for serverless workgroups, but ${quoted(target.name)} is a cluster. Leave api out, or set workgroupName.`,
      )
    refuseUserOptions(options, api)
    return Object.freeze({ ...base, api, workgroupName: target?.name })
  }
  const clusterIdentifier =
    options.clusterIdentifier ??
    (target?.kind === 'serverless' ? serverlessClusterIdentifier(target.name) : target?.name)
  if (api === 'GetClusterCredentials')
    return Object.freeze({ ...base, api, clusterIdentifier, ...databaseUser(options, user) })
  if (kind === 'serverless')
    throw optionError(
      `api is ${api}, which is for provisioned clusters, but ${quoted(target?.name)} is a serverless workgroup. Leave api out.`,
    )
  refuseUserOptions(options, api)
  return Object.freeze({ ...base, api, clusterIdentifier })
}

/**
 * The key under which a login is cached: a JSON tuple, in which no name can be mistaken for another, and no secret stands.
 * @param endpoint the AWS endpoint, where one is set
 * @param identity tells AWS identities apart, which must never share a login
 */
export function cacheKey(request: CredentialRequest, endpoint: string | undefined, identity: string | number): string {
  const { api, region, customDomainName, dbName, durationSeconds } = request
  const named = request.api === 'GetClusterCredentials' ? request : undefined
  return JSON.stringify([
    api,
    region ?? null,
    endpoint ?? null,
    targetOf(request),
    customDomainName ?? null,
    dbName ?? null,
    named?.dbUser ?? null,
    named?.autoCreate ?? null,
    named?.dbGroups ?? null,
    durationSeconds,
    identity,
  ])
}
