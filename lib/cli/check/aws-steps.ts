import { setTimeout as delay } from 'node:timers/promises'
import { stalledError } from '../../aws/credentials/errors.js'
import type { RedshiftLogin, RedshiftToken } from '../../index.js'
import { targetOf, workgroupOf } from '../../request.js'
import type { Flags } from '../flags.js'
import { toOptions } from '../login/options.js'
import { adoptedFrom } from '../login/profile.js'
import { fetchLoginOrToken, type LoginSource, loadCredentials, openSource } from '../login/source.js'
import { StepError } from '../terminal/failure.js'
import { isAsking } from '../terminal/question.js'
import { type Finding, required } from './finding.js'
import { identify } from './identity.js'
import type { Steps } from './steps.js'

/** What the steps on the server's side need from those on AWS's side. */
export interface CheckedAws {
  readonly source: LoginSource
  readonly database: string
  readonly login: RedshiftLogin | RedshiftToken | undefined
}

/** AWS refuses a signature if the clocks differ by more. */
const MAX_SKEW_SECONDS = 300
const PROVIDER_TIMEOUT_MILLIS = 15_000
/** Short, because a private subnet may have no path to STS, and the identity is only information. */
const STS_TIMEOUT_MILLIS = 3_000

/** Runs the steps up to the login from AWS. Returns undefined if the target is unknown, so that no other step can run. */
export async function checkAws(flags: Flags, steps: Steps): Promise<CheckedAws | undefined> {
  const target = await steps.run('target', 'reading the target', [], async () => {
    const options = toOptions(flags, 'connect')
    const source = await openSource(flags, options)
    return { ...describeTarget(flags, source), source, database: options.database ?? '' }
  })
  const source = () => required(target).source
  await steps.run('region', 'finding the region', ['target'], () => findRegion(flags, source()))
  await steps.run('credentials', 'loading AWS credentials', ['region'], () => findIdentity(flags, source()))
  const api = await steps.run('api', 'requesting a login from AWS', ['credentials'], () => requestLogin(source()))
  await steps.run('clock', 'comparing clocks', ['credentials'], async () =>
    compareClocks(source().aws.clockAheadMillis()),
  )
  return target && { source: target.source, database: target.database, login: api?.login }
}

async function requestLogin(source: LoginSource): Promise<Finding & { login: RedshiftLogin | RedshiftToken }> {
  const login = await fetchLoginOrToken(source)
  const { api } = source.request
  const { expiration } = login
  if ('token' in login)
    return {
      summary: `${api} returned a token for the person of these AWS credentials`,
      details: { expiration },
      login,
    }
  const { user } = login
  return { summary: `${api} returned a login for ${user}`, details: { user, expiration }, login }
}

function describeTarget(flags: Flags, { request, redshift }: LoginSource): Finding {
  const { api } = request
  const target = targetOf(request)
  const user = 'dbUser' in request ? request.dbUser : undefined
  const database = request.dbName ?? redshift.connectionOptions().database
  const kind = workgroupOf(request) === undefined ? 'cluster' : 'workgroup'
  const given = flags.clusterIdentifier ?? flags.workgroupName ?? flags.customDomainName
  const origin = given === undefined ? `read from ${flags.host ? '--host' : 'PGHOST'}` : 'as given'
  return {
    summary: `${kind} ${target} (${origin}), ${api}${user === undefined ? '' : ` for ${user}`}, database ${database}`,
    details: { target, api, database, user },
  }
}

async function findRegion(flags: Flags, { request, aws }: LoginSource): Promise<Finding> {
  if (request.region !== undefined) {
    const origin = flags.region === undefined ? 'read from the host' : '--region'
    return { summary: `${request.region} (${origin})`, details: { region: request.region } }
  }
  const region = await aws.client.config.region().catch((cause: unknown) => {
    throw new StepError(
      'ERR_REDSHIFT_TARGET',
      `No region is known for ${JSON.stringify(targetOf(request))}. Give --region, or --host with its own host name, or set AWS_REGION or the region of the profile.`,
      { cause },
    )
  })
  const origin = process.env.AWS_REGION === region ? (adoptedFrom('AWS_REGION') ?? 'AWS_REGION') : 'the AWS profile'
  return { summary: `${region} (${origin})`, details: { region } }
}

/** Warns if both a profile and keys are set: the SDK uses the profile, but the AWS CLI the keys. */
function ignoredKeys(flags: Flags): string {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  if (flags.profile !== undefined || !AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return ''
  return '; AWS_PROFILE is used, AWS_ACCESS_KEY_ID ignored (the AWS CLI does the reverse)'
}

async function findIdentity(flags: Flags, source: LoginSource): Promise<Finding> {
  const { aws, profile } = source
  const credentials = await withDeadline(source, loadCredentials(source))
  const identity = await identify(aws, credentials, profile.name, STS_TIMEOUT_MILLIS)
  // Usually the library fails for the same reason, and its error contains the remedy. A policy may refuse only the call to STS.
  if (identity.refusal !== undefined) await fetchLoginOrToken(source)
  const { provider, arn, refusal } = identity
  const unknown = refusal === undefined ? 'AWS STS could not be reached' : `AWS STS refused: ${refusal}`
  return {
    summary: `${provider}; identity ${arn ?? `unknown (${unknown})`}${ignoredKeys(flags)}`,
    details: { provider, arn: arn ?? null },
  }
}

/** Applies the library's default deadline, but not while a person enters a code. */
async function withDeadline<T>({ profile, request }: LoginSource, work: Promise<T>): Promise<T> {
  const settled = new AbortController()
  const deadline = async (): Promise<never> => {
    for (let wasAsking = true; wasAsking; ) {
      await delay(PROVIDER_TIMEOUT_MILLIS, undefined, { signal: settled.signal })
      wasAsking = isAsking()
    }
    throw (
      stalledError(profile.sources, request.region) ??
      new StepError(
        'ERR_REDSHIFT_TIMEOUT',
        'The profile did not return AWS credentials before the deadline. Check that the AWS files can be read.',
      )
    )
  }
  try {
    return await Promise.race([work, deadline()])
  } finally {
    settled.abort()
  }
}

async function compareClocks(aheadMillis: number | undefined): Promise<Finding> {
  if (aheadMillis === undefined)
    return { summary: 'unknown (no response from AWS had a Date header)', details: { aheadSeconds: null } }
  const seconds = Math.round(aheadMillis / 1_000)
  const difference = `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} AWS's`
  if (Math.abs(seconds) < MAX_SKEW_SECONDS)
    return {
      summary: `this host's clock ${seconds === 0 ? "matches AWS's" : `is ${difference}`}`,
      details: { aheadSeconds: seconds },
    }
  throw new StepError(
    'CLOCK_SKEW',
    `This host's clock is ${difference}, and AWS refuses signatures that are more than 5 minutes off. Set the clock: turn on NTP (chrony, systemd-timesyncd), or restart the virtual machine or container host.`,
  )
}
