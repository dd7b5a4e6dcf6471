import { readFileSync } from 'node:fs'
import type { RedshiftClient } from '@aws-sdk/client-redshift'
import { serverTimeOf } from '../../aws/attempts.js'
import { loadRedshift } from '../../aws/sdk.js'
import { printable } from '../../errors.js'
import type { AwsClientConfig } from '../../index.js'
import type { Flags } from '../flags.js'
import { codeOf, UsageError } from '../terminal/failure.js'
import { askHidden, canAsk } from '../terminal/question.js'

type RequestHandler = RedshiftClient['config']['requestHandler']
type HttpRequest = Parameters<RequestHandler['handle']>[0]
type HttpResponse = Awaited<ReturnType<RequestHandler['handle']>>['response']

/** Tells of each request to AWS, without its secrets. */
export type RequestListener = (line: string) => void

/** The AWS SDK as the command line sets it up: what is configured here goes into the library's option `aws`. */
export interface AwsSetUp {
  /** A client that calls nothing by itself: it finds credentials and region, signs, and sends. */
  readonly client: RedshiftClient
  readonly config: AwsClientConfig
  /** How far this host's clock is ahead of AWS's, as the last answer told; undefined while none did. */
  clockAheadMillis(): number | undefined
  close(): void
}

/**
 * @param region where the SDK should not look for one itself
 * @param caBundle the certificates to verify AWS with, where the flags name none
 */
export async function setUpAws(
  flags: Flags,
  region: string | undefined,
  caBundle: string | undefined,
  listener?: RequestListener,
): Promise<AwsSetUp> {
  const { RedshiftClient } = await loadRedshift()
  let ahead: number | undefined
  const base: AwsClientConfig & { mfaCodeProvider?: (device: string) => Promise<string> } = {
    // An option of the SDK's default chain, which its types leave out.
    ...(canAsk() && { mfaCodeProvider: device => askHidden(`Enter MFA code for ${printable(device)}: `) }),
    // Without one, the SDK writes its warnings to stderr.
    logger: { debug() {}, info() {}, warn: warning => listener?.(String(warning).trim()), error() {} },
    ...(region !== undefined && { region }),
    ...(flags.profile !== undefined && { profile: flags.profile }),
    ...(flags.endpointUrl !== undefined && { endpoint: checkUrl(flags.endpointUrl) }),
    requestHandler: {
      ...timeouts(flags),
      httpsAgent: {
        ...(caBundle !== undefined && {
          ca: readBundle(caBundle, '--ca-bundle, AWS_CA_BUNDLE or ca_bundle in the profile'),
        }),
        ...(!flags.verifySsl && { rejectUnauthorized: false }),
      },
    },
  }
  const client = new RedshiftClient(base)
  const requestHandler = observe(client.config.requestHandler, listener, millis => {
    ahead = millis
  })
  client.config.requestHandler = requestHandler
  return {
    client,
    // The client's provider keeps what it has found: nobody is asked twice for a code or a browser. As the default provider, it leaves
    // the library to find out where the credentials come from.
    config: { ...base, credentialDefaultProvider: () => client.config.credentials, requestHandler },
    clockAheadMillis: () => ahead,
    close: () => client.destroy(),
  }
}

const ATTEMPTS = 3
/** Node takes what is over 2^31 ms for 1 ms, and the SDK adds two of these up. */
const LONGEST_TIMER = 1_000_000_000

const millis = (seconds: number): number => Math.min(LONGEST_TIMER, seconds * 1_000)

function timeouts({ cliConnectTimeout, cliReadTimeout }: Flags): object {
  return {
    ...(cliConnectTimeout !== undefined && { connectionTimeout: millis(cliConnectTimeout) }),
    ...(cliReadTimeout !== undefined && { requestTimeout: millis(cliReadTimeout), throwOnRequestTimeout: true }),
  }
}

/** The library's deadline for all attempts together, where the flags raise that of a single one. 0 is no limit, as in the AWS CLI. */
export function fetchTimeoutMillis({ cliConnectTimeout, cliReadTimeout }: Flags): number | undefined {
  if (cliConnectTimeout === undefined && cliReadTimeout === undefined) return undefined
  if (cliConnectTimeout === 0 || cliReadTimeout === 0) return LONGEST_TIMER
  const seconds = ATTEMPTS * ((cliConnectTimeout ?? 0) + (cliReadTimeout ?? 0))
  return Math.max(15_000, millis(seconds))
}

function checkUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageError('--endpoint-url is no URL. Write it as https://redshift.us-west-2.amazonaws.com.')
  return url
}

/**
 * A file of certificates, as PEM.
 * @param namedBy the settings that may have named it
 */
export function readBundle(path: string, namedBy: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(
      `The certificates ${JSON.stringify(path)} cannot be read (${codeOf(error)}). Correct ${namedBy}.`,
    )
  }
}

/** Notes AWS's clock, and tells of each request: method, host, status and time, never headers or body. */
function observe(
  inner: RequestHandler,
  listener: RequestListener | undefined,
  noteClock: (aheadMillis: number) => void,
): RequestHandler {
  const handle = async (request: HttpRequest, options?: object): Promise<{ response: HttpResponse }> => {
    const sent = Date.now()
    const where = `${request.method} ${request.protocol}//${request.hostname}`
    try {
      const result = await inner.handle(request, options)
      const received = Date.now()
      const { statusCode, headers } = result.response
      const date = serverTimeOf(headers)
      // The header holds whole seconds, cut off: on average half a second has passed of the one that it names.
      if (date !== undefined) noteClock((sent + received) / 2 - (date + 500))
      listener?.(
        `${where} → ${statusCode} in ${received - sent} ms, request ${headers['x-amzn-requestid'] ?? 'unknown'}`,
      )
      return result
    } catch (error) {
      listener?.(`${where} → ${codeOf(error) ?? 'no answer'} in ${Date.now() - sent} ms`)
      throw error
    }
  }
  return new Proxy(inner, { get: (target, name) => (name === 'handle' ? handle : Reflect.get(target, name, target)) })
}
