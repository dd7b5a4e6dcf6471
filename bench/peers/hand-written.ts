import { GetClusterCredentialsCommand, RedshiftClient, type RedshiftClientConfig } from '@aws-sdk/client-redshift'
import { memoize } from '@smithy/core/config'

/** A login from AWS. */
export interface PlainLogin {
  readonly user: string
  readonly password: string
  readonly expiration: Date
}

/** One API call, as AWS's documentation shows it. */
export function fetcher(config: RedshiftClientConfig, dbUser: string, dbName = 'dev'): () => Promise<PlainLogin> {
  const client = new RedshiftClient({ region: 'us-west-2', ...config })
  return async () => {
    const response = await client.send(
      new GetClusterCredentialsCommand({
        ClusterIdentifier: 'examplecluster',
        DbUser: dbUser,
        DbName: dbName,
        AutoCreate: false,
      }),
    )
    return {
      user: response.DbUser ?? '',
      password: response.DbPassword ?? '',
      expiration: response.Expiration ?? new Date(Number.NaN),
    }
  }
}

/** One API call for each connection. */
export const callPerConnection = (fetch: () => Promise<PlainLogin>) => async (): Promise<string> =>
  (await fetch()).password

/** The usual hand-written cache: fetch when there is no login, or when it has expired. */
export function fetchWhenExpired(fetch: () => Promise<PlainLogin>): () => Promise<string> {
  let login: PlainLogin | undefined
  return async () => {
    if (!login || login.expiration.getTime() <= Date.now()) login = await fetch()
    return login.password
  }
}

/** The SDK's own `memoize`, as used for AWS credentials: it refreshes a fixed time before expiry, and the caller waits. */
export function memoized(fetch: () => Promise<PlainLogin>, marginMillis: number): () => Promise<string> {
  const current = memoize(fetch, login => login.expiration.getTime() - Date.now() < marginMillis)
  return async () => (await current()).password
}
