import { partitionOf } from '../../partitions.js'
import type { AwsSetUp } from '../login/aws.js'

/** Who the AWS credentials belong to. */
export interface Identity {
  /** Where the SDK found them: `environment variables`, `profile "dev" (SSO)`. */
  readonly provider: string
  /** Undefined: AWS could not be asked. */
  readonly arn: string | undefined
  /** AWS's own code, where it does not accept the credentials. */
  readonly refusal: string | undefined
}

// How the SDK marks where it found credentials; the most specific first.
const PROVIDERS: readonly (readonly [mark: RegExp, provider: string, ofProfile: boolean])[] = [
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

/** Asks STS whose the AWS credentials are: an identity may always ask that of itself. */
export async function identify(
  aws: AwsSetUp,
  credentials: { readonly $source?: object },
  profile: string,
  timeoutMillis: number,
): Promise<Identity> {
  const answer = await askCaller(aws, timeoutMillis).catch(() => undefined)
  return {
    provider: providerOf(Object.keys(credentials.$source ?? {}), profile),
    arn: /<Arn>([^<]+)<\/Arn>/.exec(answer ?? '')?.[1],
    refusal: /<Code>([^<]+)<\/Code>/.exec(answer ?? '')?.[1],
  }
}

function providerOf(marks: readonly string[], profile: string): string {
  const [, provider, ofProfile] = PROVIDERS.find(([mark]) => marks.some(name => mark.test(name))) ?? []
  if (provider === undefined) return 'an unknown provider'
  return ofProfile ? `profile ${JSON.stringify(profile)}, ${provider}` : provider
}

/** STS GetCallerIdentity, signed by the SDK's own client: no client of STS comes with the two that are installed. */
async function askCaller({ client, clockAheadMillis }: AwsSetUp, timeoutMillis: number): Promise<string> {
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
  const answer = await send()
  // The first answer tells AWS's time: a wrong clock here is a step of its own.
  return /SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed/.test(answer) ? send() : answer
}

function stsUrl(region: string): URL {
  const given = process.env.AWS_ENDPOINT_URL_STS ?? process.env.AWS_ENDPOINT_URL
  return new URL(given || `https://sts.${region}.${partitionOf(region).suffix}`)
}
