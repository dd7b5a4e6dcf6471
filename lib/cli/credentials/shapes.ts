/** Whether the command prints what this operation answers with. A token names a person, and is no pair to print. */
export const isApi = (api: string): api is Api => Object.hasOwn(API_INPUTS, api)

/** The operations, as AWS names and orders their parameters and answers. */
export type Api = 'GetClusterCredentials' | 'GetClusterCredentialsWithIAM' | 'GetCredentials'

/** A sample of each parameter, and what it is. */
interface Parameter {
  readonly sample: string | number | boolean | readonly string[]
  readonly about: string
}

const CLUSTER: Parameter = { sample: '', about: 'The unique identifier of the cluster.' }
const DATABASE: Parameter = {
  sample: '',
  about: 'The database that the login is restricted to. Left out: any database.',
}
const DURATION: Parameter = { sample: 0, about: 'Lifetime of the login in seconds, 900 to 3600. Default: 900.' }
const DOMAIN: Parameter = { sample: '', about: 'The custom domain name of the cluster or workgroup.' }

export const API_INPUTS: Readonly<Record<Api, Readonly<Record<string, Parameter>>>> = {
  GetClusterCredentials: {
    DbUser: { sample: '', about: '[REQUIRED] The name of the database user, without a prefix.' },
    DbName: DATABASE,
    ClusterIdentifier: CLUSTER,
    DurationSeconds: DURATION,
    AutoCreate: { sample: true, about: 'Create the database user where it is missing. Default: false.' },
    DbGroups: { sample: [''], about: 'Groups that the user joins for the session, in lowercase.' },
    CustomDomainName: DOMAIN,
  },
  GetClusterCredentialsWithIAM: {
    DbName: DATABASE,
    ClusterIdentifier: CLUSTER,
    DurationSeconds: DURATION,
    CustomDomainName: DOMAIN,
  },
  GetCredentials: {
    customDomainName: DOMAIN,
    dbName: DATABASE,
    durationSeconds: DURATION,
    workgroupName: { sample: '', about: 'The name of the workgroup.' },
  },
}

/** What of a login goes into the answer. */
export interface LoginFields {
  readonly user: string
  readonly password: string
  readonly expiration: string | number
  readonly nextRefreshTime?: string | number | undefined
}

/** An answer as AWS names and orders it. */
export function answerOf(api: Api, login: LoginFields): Record<string, string | number> {
  const { user, password, expiration, nextRefreshTime } = login
  if (api === 'GetCredentials')
    return {
      dbPassword: password,
      dbUser: user,
      expiration,
      ...(nextRefreshTime !== undefined && { nextRefreshTime }),
    }
  return {
    DbUser: user,
    DbPassword: password,
    Expiration: expiration,
    ...(api === 'GetClusterCredentialsWithIAM' &&
      nextRefreshTime !== undefined && { NextRefreshTime: nextRefreshTime }),
  }
}

const EPOCH = '1970-01-01T00:00:00'

/** The sample answer of `--generate-cli-skeleton output`. */
export const sampleAnswer = (api: Api): Record<string, string | number> => {
  const [user, password] = api === 'GetCredentials' ? ['dbUser', 'dbPassword'] : ['DbUser', 'DbPassword']
  return answerOf(api, { user, password, expiration: EPOCH, nextRefreshTime: EPOCH })
}
