import { setTimeout as delay } from 'node:timers/promises'
import { stalledError } from '../../aws/credentials/errors.js'
import type { RedshiftLogin, RedshiftToken } from '../../index.js'
import { targetOf, workgroupOf } from '../../request.js'
import type { Flags } from '../flags.js'
import { getCredential, type LoginSource, loadCredentials, openSource } from '../login/login.js'
import { toOptions } from '../login/options.js'
import { adoptedFrom } from '../login/profile.js'
import { StepError } from '../terminal/failure.js'
import { isAsking } from '../terminal/question.js'
import { type Finding, known } from './finding.js'
import { identify } from './identity.js'
import type { Steps } from './steps.js'

/** What the steps on AWS's side hand to those on the server's side. */
export interface CheckedAws {
  readonly source: LoginSource
  readonly database: string
  readonly login: RedshiftLogin | RedshiftToken | undefined
}

/** AWS refuses a signature that is further off. */
const SKEW_LIMIT_SECONDS = 300
const PROVIDER_TIMEOUT_MILLIS = 15_000
/** STS may be out of reach from a private subnet: whose the credentials are is worth a moment only. */
const STS_TIMEOUT_MILLIS = 3_000

/** The steps up to the login that AWS hands out. Undefined: the target is unknown, and nothing else can be tried. */
export async function checkAws(flags: Flags, steps: Steps): Promise<CheckedAws | undefined> {
  const target = await steps.run('target', 'reading the target', [], async () => {
    const options = toOptions(flags, 'connect')
    const source = await openSource(flags, options)
    return { ...describeTarget(flags, source), source, database: options.dbName ?? options.database ?? '' }
  })
  // A step runs only if those that it needs have passed.
  const source = () => known(target).source
  await steps.run('region', 'finding the region', ['target'], () => findRegion(flags, source()))
  await steps.run('credentials', 'loading AWS credentials', ['region'], () => findIdentity(flags, source()))
  const api = await steps.run('api', 'asking AWS for a login', ['credentials'], () => askForLogin(source()))
  await steps.run('clock', 'comparing clocks', ['credentials'], async () =>
    compareClocks(source().aws.clockAheadMillis()),
  )
  return target && { source: target.source, database: target.database, login: api?.login }
}

async function askForLogin(source: LoginSource): Promise<Finding & { login: RedshiftLogin | RedshiftToken }> {
  const login = await getCredential(source)
  if ('token' in login) {
    const { expiration } = login
    return {
      text: `${source.request.api} gave a token for the person of these credentials`,
      details: { expiration },
      login,
    }
  }
  const { user, expiration } = login
  return { text: `${source.request.api} gave a login for ${user}`, details: { user, expiration }, login }
}

function describeTarget(flags: Flags, { request, redshift }: LoginSource): Finding {
  const { api } = request
  const target = targetOf(request)
  const user = 'dbUser' in request ? request.dbUser : undefined
  const database = request.dbName ?? redshift.connectionOptions().database
  const kind = workgroupOf(request) === undefined ? 'cluster' : 'workgroup'
  const origin = flags.clusterIdentifier ?? flags.workgroupName ?? flags.customDomainName
  const how = origin === undefined ? `read off ${flags.host ? '--host' : 'PGHOST'}` : 'as given'
  return {
    text: `${kind} ${target} (${how}), ${api}${user === undefined ? '' : ` for ${user}`}, database ${database}`,
    details: { target, api, database, user },
  }
}

async function findRegion(flags: Flags, { request, aws }: LoginSource): Promise<Finding> {
  if (request.region !== undefined) {
    const how = flags.region === undefined ? 'read off the host' : '--region'
    return { text: `${request.region} (${how})`, details: { region: request.region } }
  }
  const found = aws.client.config.region().catch((cause: unknown) => {
    throw new StepError(
      'ERR_REDSHIFT_TARGET',
      `No region is known for ${JSON.stringify(targetOf(request))}. Give --region, set AWS_REGION or the region of the profile, or give --host with the cluster's own host name.`,
      { cause },
    )
  })
  const region = await found
  const variable = process.env.AWS_REGION === region ? (adoptedFrom('AWS_REGION') ?? 'AWS_REGION') : 'the AWS profile'
  return { text: `${region} (${variable})`, details: { region } }
}

/** The SDK takes the profile, without a word, where the AWS CLI takes the keys. */
function ignoredKeys(flags: Flags): string {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  if (flags.profile !== undefined || !AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return ''
  return '; AWS_PROFILE is taken, AWS_ACCESS_KEY_ID ignored (the AWS CLI does the reverse)'
}

async function findIdentity(flags: Flags, source: LoginSource): Promise<Finding> {
  const { aws, profile } = source
  const credentials = await withDeadline(source, loadCredentials(source))
  const identity = await identify(aws, credentials, profile.name, STS_TIMEOUT_MILLIS)
  // The library fails for the same reason, and its error has the remedy.
  if (identity.refusal !== undefined) await getCredential(source)
  const { provider, arn } = identity
  return {
    text: `${provider}; identity ${arn ?? 'unknown (AWS STS did not say)'}${ignoredKeys(flags)}`,
    details: { provider, arn: arn ?? null },
  }
}

/** As long as the library's default deadline, but without the time that a person takes to enter a code. */
async function withDeadline<T>({ profile, request }: LoginSource, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = async (): Promise<never> => {
    for (let wasAsking = true; wasAsking; ) {
      await delay(PROVIDER_TIMEOUT_MILLIS, undefined, { signal: over.signal })
      wasAsking = isAsking()
    }
    throw stalledError(profile.sources, request.region)
  }
  try {
    return await Promise.race([work, late()])
  } finally {
    over.abort()
  }
}

async function compareClocks(aheadMillis: number | undefined): Promise<Finding> {
  if (aheadMillis === undefined)
    return { text: "unknown (AWS's answers carry no Date)", details: { aheadSeconds: null } }
  const seconds = Math.round(aheadMillis / 1_000)
  const said =
    seconds === 0 ? "as AWS's, to the second" : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} AWS's`
  if (Math.abs(seconds) < SKEW_LIMIT_SECONDS)
    return { text: `this host's clock is ${said}`, details: { aheadSeconds: seconds } }
  throw new StepError(
    'CLOCK_SKEW',
    `This host's clock is ${said}, and AWS refuses signatures that are more than 5 minutes off. The SDK corrects itself, other programs do not. Set the clock: turn on NTP (chrony, systemd-timesyncd), or restart the virtual machine or container host.`,
  )
}
