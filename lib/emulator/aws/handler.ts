import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActiveFaults, Incoming } from '../active-faults.js'
import type { EmulatedCall, EmulatedOperation } from '../records.js'
import type { Settings } from '../settings.js'
import { AwsError } from './errors.js'
import { json } from './json.js'
import type { OperationRequest } from './operation-request.js'
import type { Operations } from './operations.js'
import { Parameters } from './parameters.js'
import { queryXml } from './query-xml.js'
import { errorFault, malformFields, malformResponse } from './response-faults.js'
import { checkDate, readSignature, type SignedRequest } from './signature.js'
import type { WireProtocol, WireResponse } from './wire.js'

const operationsOf: Readonly<Record<WireProtocol['name'], readonly EmulatedOperation[]>> = {
  query: [
    'GetClusterCredentials',
    'GetClusterCredentialsWithIAM',
    'GetIdentityCenterAuthToken',
    'DescribeClusters',
    'DescribeCustomDomainAssociations',
    'GetCallerIdentity',
  ],
  json: ['GetCredentials', 'GetIdentityCenterAuthToken', 'GetWorkgroup'],
}

/** What the handler needs. */
export interface HandlerParts {
  readonly settings: Settings
  readonly operations: Operations
  readonly faults: ActiveFaults
  readonly calls: EmulatedCall[]
  /** The database user that AWS chooses for an access key. */
  readonly identity: (accessKeyId: string | undefined) => string
  /** The person behind an access key. */
  readonly person: (accessKeyId: string | undefined) => string | null
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Handles one request. `reset` resets its connection; undefined sends no response, ever. */
export type RequestHandler = (
  request: SignedRequest & { isAborted(): boolean },
) => Promise<HttpResponse | 'reset' | undefined>

/** The emulated AWS between the HTTP server and the operations: protocols, signatures, faults, and the record of calls. */
export function requestHandler({
  settings,
  operations,
  faults,
  calls,
  identity,
  person,
}: HandlerParts): RequestHandler {
  return async request => {
    const wire = 'x-amz-target' in request.headers ? json : queryXml
    const decoded = wire.read(request.headers, request.body)
    const requestId = randomUUID()
    const failure = (error: AwsError, headers: Record<string, string>) => {
      const { retryAfterSeconds } = error
      const retryAfter = retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }
      const response = wire.failure(decoded, error, requestId)
      return httpResponse(error.in(wire.name).status, response, requestId, { ...headers, ...retryAfter })
    }
    const operation = operationsOf[wire.name].find(name => name === decoded.operation)
    if (!operation)
      return failure(new AwsError('unknownOperation', `Could not find operation ${decoded.operation}`), {})

    const signature = readSignature(request.headers)
    const accessKeyId = signature?.accessKeyId
    const region = signature?.region
    const call: Mutable<EmulatedCall> = {
      operation,
      at: Date.now(),
      accessKeyId,
      region,
      parameters: decoded.parameters,
      status: undefined,
    }
    calls.push(call)
    const parameters = new Parameters(decoded.parameters, region, settings.targets)
    const incoming = { operation, target: parameters.target() }
    // Once, on arrival: a fault that starts or ends while the request is held must not change the clock in between.
    const skew = skewMillis(faults.hitAll(incoming, 'clock-skew'))
    const arrivedAt = Date.now() + skew
    await waitFor(faults, incoming)
    // A client that has disconnected gets no login.
    if (request.isAborted()) return undefined
    if (faults.hitFirst(incoming, 'reset')) return 'reset'

    // Nothing below waits, so the times in the response are those at which it is sent.
    const now = Date.now() + skew
    const headers = clockHeaders(faults, incoming, now)
    try {
      if (!signature) throw new AwsError('missingToken', 'Request is missing Authentication Token')
      checkDate(request.headers, arrivedAt)
      const operationRequest: OperationRequest = {
        operation,
        parameters,
        identity: identity(accessKeyId),
        person: person(accessKeyId),
        isServerless: wire === json,
        region,
        now,
      }
      const error = errorFault(faults, incoming, operationRequest, { ...request, signature })
      if (error) throw error
      const fields = operations.perform(operationRequest, {
        repeat: faults.hitFirst(incoming, 'same-expiry'),
        isCreating: faults.hitFirst(incoming, 'creating') !== undefined,
      })
      const how = faults.hitFirst(incoming, 'malformed')?.how
      const response = malformResponse(wire.success(decoded, malformFields(fields, how, now), requestId), how)
      call.status = 200
      return httpResponse(200, response, requestId, headers)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      const response = failure(error, headers)
      call.status = response.status
      return response
    }
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Waits as long as faults hold or delay the response. */
async function waitFor(faults: ActiveFaults, incoming: Incoming): Promise<void> {
  const waits = faults.hitAll(incoming, 'hold', 'latency', 'hang').map(({ fault, cleared }) => {
    if (fault.kind === 'hold') return cleared
    if (fault.kind === 'latency') return Promise.race([delay(fault.millis, undefined, { ref: false }), cleared])
    return new Promise<never>(() => {})
  })
  await Promise.all(waits)
}

function skewMillis(skews: readonly { readonly fault: { readonly seconds: number } }[]): number {
  return skews.reduce((sum, { fault }) => sum + fault.seconds * 1000, 0)
}

/** The headers with AWS's time, unless a fault removes or ages them. */
function clockHeaders(faults: ActiveFaults, incoming: Incoming, now: number): Record<string, string> {
  if (faults.hitFirst(incoming, 'no-date')) return {}
  const stale = faults.hitFirst(incoming, 'stale-date')
  if (!stale) return { date: new Date(now).toUTCString() }
  return { date: new Date(now - stale.ageSeconds * 1000).toUTCString(), age: `${stale.ageSeconds}` }
}

function httpResponse(
  status: number,
  { contentType, body, errorType }: WireResponse,
  requestId: string,
  headers: Record<string, string>,
): HttpResponse {
  const typeHeader = errorType === undefined ? {} : { 'x-amzn-errortype': errorType }
  return {
    status,
    headers: { 'content-type': contentType, 'x-amzn-requestid': requestId, ...typeHeader, ...headers },
    body,
  }
}
