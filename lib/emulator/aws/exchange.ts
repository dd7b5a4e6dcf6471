import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Faults, Meeting } from '../faults.js'
import type { Settings } from '../settings.js'
import type { EmulatedCall, EmulatedOperation } from '../types.js'
import { errorFault, malformedAnswer, malformedFields } from './answer-faults.js'
import { AwsError } from './errors.js'
import { json } from './json.js'
import type { OperationCall } from './operation-call.js'
import type { Operations } from './operations.js'
import { Parameters } from './parameters.js'
import { queryXml } from './query-xml.js'
import { checkDate, readSignature, type SignedRequest } from './signature.js'
import type { Answer, WireProtocol } from './wire.js'

const served: Readonly<Record<WireProtocol['name'], readonly EmulatedOperation[]>> = {
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

/** What the emulated AWS works with. */
export interface ExchangeParts {
  readonly settings: Settings
  readonly operations: Operations
  readonly faults: Faults
  readonly calls: EmulatedCall[]
  /** The database user that AWS chooses for an access key. */
  readonly identity: (accessKeyId: string | undefined) => string
  /** The person whom an access key names. */
  readonly person: (accessKeyId: string | undefined) => string | null
}

/** An answer, down to its headers. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Answers one request: `reset` drops its connection, undefined says nothing, ever. */
export type Exchange = (request: SignedRequest & { isGone(): boolean }) => Promise<HttpAnswer | 'reset' | undefined>

/** The emulated AWS between its HTTP side and its operations: protocols, signatures, faults, and the record of calls. */
export function makeExchange({ settings, operations, faults, calls, identity, person }: ExchangeParts): Exchange {
  return async request => {
    const wire = 'x-amz-target' in request.headers ? json : queryXml
    const read = wire.read(request.headers, request.body)
    const requestId = randomUUID()
    const failure = (error: AwsError, headers: Record<string, string>) => {
      const retryAfter = error.retryAfterSeconds
      const more = retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }
      return httpAnswer(error.in(wire.name).status, wire.failure(read, error, requestId), requestId, {
        ...headers,
        ...more,
      })
    }
    const operation = served[wire.name].find(name => name === read.operation)
    if (!operation) return failure(new AwsError('unknownOperation', `Could not find operation ${read.operation}`), {})

    const signature = readSignature(request.headers)
    const accessKeyId = signature?.accessKeyId
    const region = signature?.region
    const call: Mutable<EmulatedCall> = {
      operation,
      at: Date.now(),
      accessKeyId,
      region,
      parameters: read.parameters,
      status: undefined,
    }
    calls.push(call)
    const parameters = new Parameters(read.parameters, region, settings.targets)
    const meeting = { operation, target: parameters.target() }
    // One clock for the whole exchange: a fault that ends meanwhile does not set it.
    const skew = skewMillis(faults.find(meeting, 'clock-skew'))
    const arrivedAt = Date.now() + skew
    await delays(faults, meeting)
    if (request.isGone()) return undefined
    if (faults.meetFirst(meeting, 'reset')) return 'reset'

    // From here on nothing waits: the times in the answer are those of its sending.
    faults.activeFaults(meeting, 'clock-skew')
    const now = Date.now() + skew
    const headers = clockHeaders(faults, meeting, now)
    try {
      if (!signature) throw new AwsError('missingToken', 'Request is missing Authentication Token')
      checkDate(request.headers, arrivedAt)
      const performed: OperationCall = {
        operation,
        parameters,
        identity: identity(accessKeyId),
        person: person(accessKeyId),
        serverless: wire === json,
        region,
        now,
      }
      const error = errorFault(faults, meeting, performed, { ...request, signature })
      if (error) throw error
      const fields = operations.perform(performed, {
        repeat: faults.meetFirst(meeting, 'same-expiry'),
        isCreating: faults.meetFirst(meeting, 'creating') !== undefined,
      })
      const how = faults.meetFirst(meeting, 'malformed')?.how
      const answer = malformedAnswer(wire.success(read, malformedFields(fields, how, now), requestId), how)
      call.status = 200
      return httpAnswer(200, answer, requestId, headers)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      const answer = failure(error, headers)
      call.status = answer.status
      return answer
    }
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

async function delays(faults: Faults, meeting: Meeting): Promise<void> {
  const held = faults.activeFaults(meeting, 'hold', 'latency', 'hang')
  await Promise.all(
    held.map(({ fault, cleared }) => {
      if (fault.kind === 'hold') return cleared
      if (fault.kind === 'latency') return Promise.race([delay(fault.millis, undefined, { ref: false }), cleared])
      return new Promise<never>(() => {})
    }),
  )
}

function skewMillis(atWork: readonly { readonly fault: { readonly seconds: number } }[]): number {
  return atWork.reduce((sum, { fault }) => sum + fault.seconds * 1000, 0)
}

/** The headers that tell AWS's time, as far as faults let them. */
function clockHeaders(faults: Faults, meeting: Meeting, now: number): Record<string, string> {
  if (faults.meetFirst(meeting, 'no-date')) return {}
  const stale = faults.meetFirst(meeting, 'stale-date')
  if (!stale) return { date: new Date(now).toUTCString() }
  return { date: new Date(now - stale.ageSeconds * 1000).toUTCString(), age: `${stale.ageSeconds}` }
}

function httpAnswer(status: number, answer: Answer, requestId: string, headers: Record<string, string>): HttpAnswer {
  const errorType = answer.errorType === undefined ? {} : { 'x-amzn-errortype': answer.errorType }
  return {
    status,
    headers: { 'content-type': answer.contentType, 'x-amzn-requestid': requestId, ...errorType, ...headers },
    body: answer.body,
  }
}
