import type { RedshiftOptions } from '../../index.js'
import { checkOptions } from '../../placement.js'
import type { CredentialRequest } from '../../request.js'
import { resolveRequest } from '../../resolve-request.js'
import type { Flags } from '../flags.js'
import { UsageError } from '../terminal/failure.js'

/** The parameters in `--cli-input-json` or `--cli-input-yaml`, with the library's names. */
export interface CallInput {
  /** The service whose spelling the parameters have; undefined if there are none. */
  readonly service: 'redshift' | 'redshift-serverless' | undefined
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * `connect`: the login is for the database to connect to. `print`: the login is for every database, as with the AWS CLI, unless
 * `--db-name` names one.
 */
export type Purpose = 'connect' | 'print'

/** Returns the library's options for the flags. The library reads `PGHOST` and `PGUSER` itself, and the SDK reads the region. */
export function toOptions(flags: Flags, purpose: Purpose, input?: CallInput): RedshiftOptions {
  const { PGHOST, PGDATABASE } = process.env
  const { clusterIdentifier, workgroupName, customDomainName, dbUser, dbName, autoCreate, durationSeconds } = flags
  // commander sets `--db-groups` without a name to true. It means an empty list.
  const dbGroups = flags.dbGroups && (Array.isArray(flags.dbGroups) ? flags.dbGroups : [])
  const given = {
    clusterIdentifier,
    workgroupName,
    customDomainName,
    dbUser,
    dbName,
    dbGroups,
    autoCreate,
    durationSeconds,
  }
  const call: RedshiftOptions = { ...input?.parameters, ...withoutUndefined(given) }
  if (!flags.host && !PGHOST && !call.clusterIdentifier && !call.workgroupName && !call.customDomainName)
    throw new UsageError(
      'No cluster or workgroup is named. Give --host (or set PGHOST) with its own host name, or --cluster-identifier or --workgroup-name, and --region.',
    )
  const database = call.dbName ?? (PGDATABASE || undefined)
  const options: RedshiftOptions = flags.identityCenter
    ? tokenOptions(call, flags, database)
    : {
        ...call,
        ...(purpose === 'print' && { dbName: call.dbName ?? null }),
        ...customDomainApi(call, input),
        host: flags.host,
        port: flags.port,
        region: flags.region,
        database,
        ssl: true,
      }
  if (purpose === 'connect' && database === undefined) {
    // Reports a wrong host first: a JDBC URL contains the database that seems to be missing.
    requestFor({ ...options, database: 'dev' })
    throw new UsageError('No database is named. Give --db-name, or set PGDATABASE.')
  }
  return options
}

/**
 * Returns the request that the library will send for these options.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export function requestFor(options: RedshiftOptions): CredentialRequest {
  checkOptions(options)
  return resolveRequest(options, {}, process.env)
}

/** A token is valid for every database. The library refuses the flags that it does not support with tokens. */
function tokenOptions(
  { dbName: _, ...call }: RedshiftOptions,
  flags: Flags,
  database: string | undefined,
): RedshiftOptions {
  const { host, port, region } = flags
  return { ...call, api: 'GetIdentityCenterAuthToken', host, port, region, database, ssl: true }
}

/** A custom domain name alone does not select an operation. The other parameters do, because each belongs to one command of the AWS CLI. */
function customDomainApi(call: RedshiftOptions, input: CallInput | undefined): Pick<RedshiftOptions, 'api'> {
  if (call.customDomainName === undefined || call.clusterIdentifier !== undefined || call.workgroupName !== undefined)
    return {}
  if (call.dbUser !== undefined || call.dbGroups !== undefined || call.autoCreate !== undefined)
    return { api: 'GetClusterCredentials' }
  return { api: input?.service === 'redshift' ? 'GetClusterCredentialsWithIAM' : 'GetCredentials' }
}

const withoutUndefined = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
