import { subscribe } from 'node:diagnostics_channel'
import type { RedshiftCredentials, RedshiftLogin, RedshiftOptions } from '../../index.js'
import type { Flags } from '../flags.js'
import { debugLine } from '../terminal/debug.js'
import { messageOf, StepError } from '../terminal/failure.js'
import { Spinner } from '../terminal/terminal.js'
import { type AwsSetUp, fetchTimeoutMillis, setUpAws } from './aws.js'
import { type Plan, planOf } from './plan.js'
import { type ProfileSettings, profileSettings } from './profile.js'

/** Everything that a command needs to get a login. */
export interface LoginSource {
  readonly plan: Plan
  readonly aws: AwsSetUp
  readonly redshift: RedshiftCredentials
  readonly profile: ProfileSettings
  close(): Promise<void>
}

/** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET` */
export async function openSource(flags: Flags, options: RedshiftOptions): Promise<LoginSource> {
  const plan = await planOf(options)
  const profile = await profileSettings(flags.profile)
  const caBundle = flags.caBundle ?? (process.env.AWS_CA_BUNDLE || profile.caBundle)
  const aws = await setUpAws(flags, plan.region, caBundle, flags.debug ? debugLine : undefined)
  const { RedshiftCredentials } = await import('../../index.js')
  const redshift = new RedshiftCredentials({
    ...options,
    aws: aws.config,
    fetchTimeoutMillis: fetchTimeoutMillis(flags),
  })
  if (flags.debug) traceFetches()
  return {
    plan,
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
  checkProfile(source)
  const { aws, plan } = source
  const spinner = new Spinner()
  spinner.start(`${plan.api} for ${plan.target}`)
  try {
    // Outside of the library's deadline: a provider may wait for a person with a code or a browser. Its failure is told by `get`.
    await aws.client.config.credentials().catch(() => {})
    return await getLogin(source)
  } finally {
    spinner.stop()
  }
}

/** The library's login. Where the SDK only says that it has found no credentials anywhere, the profile says more. */
export async function getLogin({ redshift, profile }: LoginSource): Promise<RedshiftLogin> {
  try {
    return await redshift.get()
  } catch (error) {
    if (profile.problem === undefined || !/^No AWS credentials were found/.test(messageOf(error))) throw error
    const message = `Profile ${JSON.stringify(profile.name)} gives no AWS credentials: ${profile.problem}`
    throw new StepError('ERR_REDSHIFT_AWS_CREDENTIALS', message, { cause: error })
  }
}

/** The SDK only says that it found no credentials anywhere. */
export function checkProfile({ profile }: LoginSource): void {
  if (!profile.exists)
    throw new StepError(
      'ERR_REDSHIFT_AWS_CREDENTIALS',
      `There is no profile ${JSON.stringify(profile.name)} in the AWS configuration. Correct --profile or AWS_PROFILE; \`aws configure list-profiles\` lists them.`,
    )
}

/** What the library tells on its channels: no secret ever enters a message there. */
function traceFetches(): void {
  for (const name of ['fetch-start', 'fetch-end', 'invalidate'])
    subscribe(`pg-redshift-iam:${name}`, message => debugLine(`${name} ${JSON.stringify(message, showError)}`))
}

const showError = (_key: string, value: unknown): unknown => (value instanceof Error ? messageOf(value) : value)
