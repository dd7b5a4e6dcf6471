import { partitionOf } from '../../partitions.js'
import type { AwsSetup } from '../login/aws.js'

/** The owner of the AWS credentials. */
export interface Identity {
  /** Where the SDK found the credentials: `environment variables`, `profile "dev", credential_process`. */
  readonly provider: string
  /** Undefined if STS did not respond. */
  readonly arn: string | undefined
  /** The error code of STS if it refused the call. */
  readonly refusal: string | undefined
}

// The SDK's marks for the source of credentials. The most specific ones come first.
const PROVIDERS: readonly (readonly [mark: RegExp, provider: string, isOfProfile: boolean])[] = [
  [/PROFILE_SSO|^CREDENTIALS_SSO/, 'IAM Identity Center (SSO)', true],
  [/PROFILE_PROCESS|^CREDENTIALS_PROCESS/, 'credential_process', true],
  [/LOGIN/, '`aws login`', true],
  [/ENV_VARS_STS_WEB_ID|WEB_ID/, 'web identity token', false],
  [/STS_ASSUME_ROLE/, 'assumed role', true],
  [/HTTP/, 'container credentials', false],
  [/IMDS/, 'instance metadata', false],
  [/ENV_VARS/, 'environment variables', false],
  [/PROFILE/, 'shared credentials file', true],
]

/** Asks STS for the owner of the AWS credentials. Every identity has the permission for that call. */
export async function identify(
  aws: AwsSetup,
  credentials: { readonly $source?: object },
  profile: string,
  timeoutMillis: number,
): Promise<Identity> {
  const response = await getCallerIdentity(aws, timeoutMillis).catch(() => '')
  return {
    provider: providerOf(Object.keys(credentials.$source ?? {}), profile),
    arn: /<Arn>([^<]+)<\/Arn>/.exec(response)?.[1],
    refusal: /<Code>([^<]+)<\/Code>/.exec(response)?.[1],
  }
}

function providerOf(marks: readonly string[], profile: string): string {
  const [, provider, isOfProfile] = PROVIDERS.find(([mark]) => marks.some(name => mark.test(name))) ?? []
  if (provider === undefined) return 'an unknown provider'
  return isOfProfile ? `profile ${JSON.stringify(profile)}, ${provider}` : provider
}

/** Calls STS with the signer of the Redshift client, because the STS client is not a dependency of this package. */
async function getCallerIdentity({ client, clockAheadMillis }: AwsSetup, timeoutMillis: number): Promise<string> {
  const region = await client.config.region()
  const url = stsUrl(region)
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const request = {
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port && { port: Number(url.port) }),
    path: url.pathname,
    query: {},
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  }
  const signer = await client.config.signer({
    name: 'sigv4',
    signingName: 'sts',
    signingRegion: region,
    properties: {},
  } as Parameters<typeof client.config.signer>[0])
  const send = async (): Promise<string> => {
    const signingDate = new Date(Date.now() - (clockAheadMillis() ?? 0))
    const signed = await signer.sign(request as unknown as Parameters<typeof signer.sign>[0], { signingDate })
    const { response } = await client.config.requestHandler.handle(
      signed as Parameters<typeof client.config.requestHandler.handle>[0],
      { abortSignal: AbortSignal.timeout(timeoutMillis), requestTimeout: timeoutMillis },
    )
    let text = ''
    for await (const chunk of response.body) text += chunk
    return text
  }
  const response = await send()
  // The first response contains AWS's time. A wrong clock must not fail here: the step `clock` reports it.
  return /SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed/.test(response) ? send() : response
}

function stsUrl(region: string): URL {
  const configured = process.env.AWS_ENDPOINT_URL_STS || process.env.AWS_ENDPOINT_URL
  return new URL(configured || `https://sts.${region}.${partitionOf(region).suffix}`)
}
