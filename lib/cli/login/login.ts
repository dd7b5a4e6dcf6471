import { subscribe } from 'node:diagnostics_channel'
import { credentialsError, missingProfileError } from '../../aws/credentials/errors.js'
import type { RedshiftCredentials, RedshiftLogin, RedshiftOptions, RedshiftToken } from '../../index.js'
import { type CredentialRequest, targetOf } from '../../request.js'
import type { Flags } from '../flags.js'
import { debugLine } from '../terminal/debug.js'
import { messageOf } from '../terminal/failure.js'
import { Spinner } from '../terminal/spinner.js'
import { type AwsSetUp, fetchTimeoutMillis, setUpAws } from './aws.js'
import { requestFor } from './options.js'
import { type ProfileSettings, profileSettings } from './profile.js'

/** Everything that a command needs to get a login. */
export interface LoginSource {
  /** The login that is requested from AWS. */
  readonly request: CredentialRequest
  readonly aws: AwsSetUp
  readonly redshift: RedshiftCredentials
  readonly profile: ProfileSettings
  close(): Promise<void>
}

/** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET` */
export async function openSource(flags: Flags, options: RedshiftOptions): Promise<LoginSource> {
  const request = requestFor(options)
  const profile = await profileSettings(flags.profile)
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

/** Gets a login, with something moving on the terminal meanwhile. */
export async function fetchLogin(source: LoginSource): Promise<RedshiftLogin> {
  const { redshift, request } = source
  const spinner = new Spinner()
  spinner.start(`${request.api} for ${targetOf(request)}`)
  try {
    // Outside of the library's deadline: a provider may wait for a person with a code or a browser.
    await loadCredentials(source)
    return await redshift.get()
  } finally {
    spinner.stop()
  }
}

/**
 * The AWS credentials, which the SDK keeps for what follows.
 * @throws RedshiftCredentialsError the library's own for such a failure
 */
export async function loadCredentials({ aws, profile, request }: LoginSource): Promise<object> {
  if (!profile.exists) throw missingProfileError(profile.sources)
  return aws.client.config.credentials().catch((error: unknown) => {
    throw credentialsError(error, profile.sources, request.region)
  })
}

/** A login, or a person's token. */
export const getCredential = ({ request, redshift }: LoginSource): Promise<RedshiftLogin | RedshiftToken> =>
  request.api === 'GetIdentityCenterAuthToken' ? redshift.getToken() : redshift.get()

/** What the library tells on its channels: no secret ever enters a message there. */
function traceFetches(): void {
  for (const name of ['fetch-start', 'fetch-end', 'invalidate'])
    subscribe(`pg-redshift-iam:${name}`, message => debugLine(`${name} ${JSON.stringify(message, showError)}`))
}

const showError = (_key: string, value: unknown): unknown => (value instanceof Error ? messageOf(value) : value)
