import { readFileSync } from 'node:fs'
import type { RedshiftClient } from '@aws-sdk/client-redshift'
import { serverTimeOf } from '../../aws/attempts.js'
import { IS_SDK_CHAIN } from '../../aws/credentials/own-provider.js'
import { loadRedshift } from '../../aws/load-sdk.js'
import { printable } from '../../errors.js'
import type { AwsClientConfig } from '../../index.js'
import type { Flags } from '../flags.js'
import { codeOf, UsageError } from '../terminal/failure.js'
import { askHidden, canAsk } from '../terminal/question.js'

type RequestHandler = RedshiftClient['config']['requestHandler']
type HttpRequest = Parameters<RequestHandler['handle']>[0]
type HttpResponse = Awaited<ReturnType<RequestHandler['handle']>>['response']

/** Receives a line about each request to AWS, without secrets. */
export type RequestListener = (line: string) => void

/** The AWS SDK, set up by flags and variables. The library gets the same configuration in its option `aws`. */
export interface AwsSetup {
  /** Finds credentials and region, signs and sends. It is not used for calls of its own. */
  readonly client: RedshiftClient
  readonly config: AwsClientConfig
  /** How far this host's clock is ahead of AWS's, by the last response; undefined before the first one. */
  clockAheadMillis(): number | undefined
  close(): void
}

/**
 * @param region undefined if the SDK determines it
 * @param caBundle the file of certificates to verify AWS with; undefined for those of Node.js
 */
export async function setUpAws(
  flags: Flags,
  region: string | undefined,
  caBundle: string | undefined,
  listener?: RequestListener,
): Promise<AwsSetup> {
  const { RedshiftClient } = await loadRedshift()
  let ahead: number | undefined
  const base: AwsClientConfig & { mfaCodeProvider?: (device: string) => Promise<string> } = {
    // The SDK's default chain supports this option, but its types do not contain it.
    ...(canAsk() && { mfaCodeProvider: device => askHidden(`Enter MFA code for ${printable(device)}: `) }),
    // The SDK's default logger writes warnings to stderr.
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
    // The client's provider caches the credentials, so that a person enters a code only once. It is marked, because the library then
    // still finds out where the credentials come from.
    config: {
      ...base,
      credentialDefaultProvider: Object.assign(() => client.config.credentials, { [IS_SDK_CHAIN]: true }),
      requestHandler,
    },
    clockAheadMillis: () => ahead,
    close: () => client.destroy(),
  }
}

const ATTEMPTS = 3
/** Node.js changes a timer of more than 2^31 ms to 1 ms, and the SDK adds two of them. */
const MAX_TIMER_MILLIS = 1_000_000_000

const toMillis = (seconds: number): number => Math.min(MAX_TIMER_MILLIS, seconds * 1_000)

function timeouts({ cliConnectTimeout, cliReadTimeout }: Flags): object {
  return {
    ...(cliConnectTimeout !== undefined && { connectionTimeout: toMillis(cliConnectTimeout) }),
    ...(cliReadTimeout !== undefined && { requestTimeout: toMillis(cliReadTimeout), throwOnRequestTimeout: true }),
  }
}

/** The library's deadline for all attempts, if the flags set the timeout of a single one. 0 means no limit, as in the AWS CLI. */
export function fetchTimeoutMillis({ cliConnectTimeout, cliReadTimeout }: Flags): number | undefined {
  if (cliConnectTimeout === undefined && cliReadTimeout === undefined) return undefined
  if (cliConnectTimeout === 0 || cliReadTimeout === 0) return MAX_TIMER_MILLIS
  const seconds = ATTEMPTS * ((cliConnectTimeout ?? 0) + (cliReadTimeout ?? 0))
  return Math.max(15_000, toMillis(seconds))
}

function checkUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageError('--endpoint-url is not a URL. Write it as https://redshift.us-west-2.amazonaws.com.')
  return url
}

/**
 * Reads a file of certificates.
 * @param namedBy the settings that may contain the path
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

/** Compares the clocks, and passes method, host, status and time of each request to the listener, but no headers or body. */
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
      // The header is truncated to seconds, so that half a second is missing on average.
      if (date !== undefined) noteClock((sent + received) / 2 - (date + 500))
      listener?.(
        `${where} → ${statusCode} in ${received - sent} ms, request ${headers['x-amzn-requestid'] ?? 'unknown'}`,
      )
      return result
    } catch (error) {
      listener?.(`${where} → ${codeOf(error) ?? 'no response'} in ${Date.now() - sent} ms`)
      throw error
    }
  }
  return new Proxy(inner, { get: (target, name) => (name === 'handle' ? handle : Reflect.get(target, name, target)) })
}
