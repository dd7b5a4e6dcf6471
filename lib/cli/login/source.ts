import { subscribe } from 'node:diagnostics_channel'
import { credentialsError, missingProfileError } from '../../aws/credentials/errors.js'
import type { RedshiftCredentials, RedshiftLogin, RedshiftOptions, RedshiftToken } from '../../index.js'
import { type CredentialRequest, targetOf } from '../../request.js'
import type { Flags } from '../flags.js'
import { debugLine } from '../terminal/debug.js'
import { messageOf } from '../terminal/failure.js'
import { Spinner } from '../terminal/spinner.js'
import { type AwsSetup, fetchTimeoutMillis, setUpAws } from './aws.js'
import { requestFor } from './options.js'
import { type ProfileSettings, readProfileSettings } from './profile.js'

/** Everything that a command needs to get a login. */
export interface LoginSource {
  /** The login that is requested from AWS. */
  readonly request: CredentialRequest
  readonly aws: AwsSetup
  readonly redshift: RedshiftCredentials
  readonly profile: ProfileSettings
  close(): Promise<void>
}

/** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET` */
export async function openSource(flags: Flags, options: RedshiftOptions): Promise<LoginSource> {
  const request = requestFor(options)
  const profile = await readProfileSettings(flags.profile)
  const caBundle = flags.caBundle ?? (process.env.AWS_CA_BUNDLE || profile.caBundle)
  const aws = await setUpAws(flags, request.region, caBundle, flags.debug ? debugLine : undefined)
  const { RedshiftCredentials } = await import('../../index.js')
  const redshift = new RedshiftCredentials({
    ...options,
    aws: aws.config,
    fetchTimeoutMillis: fetchTimeoutMillis(flags),
  })
  if (flags.debug) traceFetches()
  return {
    request,
    aws,
    redshift,
    profile,
    async close() {
      await redshift.close()
      aws.close()
    },
  }
}

/** Fetches a login, with a spinner on the terminal. */
export async function fetchLogin(source: LoginSource): Promise<RedshiftLogin> {
  const { redshift, request } = source
  const spinner = new Spinner()
  spinner.start(`${request.api} for ${targetOf(request)}`)
  try {
    // Outside the library's deadline, because a provider may wait for a person with a code or a browser.
    await loadCredentials(source)
    return await redshift.get()
  } finally {
    spinner.stop()
  }
}

/**
 * Loads the AWS credentials. The SDK's client keeps them.
 * @throws RedshiftCredentialsError the same error that the library would throw
 */
export async function loadCredentials({ aws, profile, request }: LoginSource): Promise<object> {
  if (!profile.exists) throw missingProfileError(profile.sources)
  return aws.client.config.credentials().catch((error: unknown) => {
    throw credentialsError(error, profile.sources, request.region)
  })
}

/** Fetches a login, or a token if these credentials return tokens. */
export const fetchLoginOrToken = ({ request, redshift }: LoginSource): Promise<RedshiftLogin | RedshiftToken> =>
  request.api === 'GetIdentityCenterAuthToken' ? redshift.getToken() : redshift.get()

/** Prints the messages on the library's diagnostics channels. They contain no secrets. */
function traceFetches(): void {
  for (const name of ['fetch-start', 'fetch-end', 'invalidate'])
    subscribe(`pg-redshift-iam:${name}`, message => debugLine(`${name} ${JSON.stringify(message, formatError)}`))
}

const formatError = (_key: string, value: unknown): unknown => (value instanceof Error ? messageOf(value) : value)
