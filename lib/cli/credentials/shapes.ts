/** The operations that return a user and a password. */
export type PasswordApi = 'GetClusterCredentials' | 'GetClusterCredentialsWithIAM' | 'GetCredentials'

/** A parameter with a sample value and a description. */
interface Parameter {
  readonly sample: string | number | boolean | readonly string[]
  readonly about: string
}

const CLUSTER: Parameter = { sample: '', about: 'The unique identifier of the cluster.' }
const DATABASE: Parameter = {
  sample: '',
  about: 'The database that the login is restricted to. Default: any database.',
}
const DURATION: Parameter = { sample: 0, about: 'Lifetime of the login in seconds, 900 to 3600. Default: 900.' }
const DOMAIN: Parameter = { sample: '', about: 'The custom domain name of the cluster or workgroup.' }

/** The parameters of each operation, with AWS's names and in AWS's order. */
export const PARAMETERS: Readonly<Record<PasswordApi, Readonly<Record<string, Parameter>>>> = {
  GetClusterCredentials: {
    DbUser: { sample: '', about: '[REQUIRED] The name of the database user, without a prefix.' },
    DbName: DATABASE,
    ClusterIdentifier: CLUSTER,
    DurationSeconds: DURATION,
    AutoCreate: { sample: true, about: 'Create the database user if it does not exist. Default: false.' },
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

export const isPasswordApi = (api: string): api is PasswordApi => Object.hasOwn(PARAMETERS, api)

/** The fields of a response. */
export interface LoginFields {
  readonly user: string
  readonly password: string
  readonly expiration: string | number
  readonly nextRefreshTime?: string | number | undefined
}

/** A response with AWS's names and in AWS's order. */
export function responseOf(api: PasswordApi, login: LoginFields): Record<string, string | number> {
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

/** The sample response of `--generate-cli-skeleton output`. */
export const sampleResponse = (api: PasswordApi): Record<string, string | number> => {
  const [user, password] = api === 'GetCredentials' ? ['dbUser', 'dbPassword'] : ['DbUser', 'DbPassword']
  return responseOf(api, { user, password, expiration: EPOCH, nextRefreshTime: EPOCH })
}
