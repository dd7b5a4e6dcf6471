/**
 * Leaves a fetch pending, as set by its argument, and prints a line with what it observed. Nothing here ends the process: it
 * exits when nothing keeps it alive.
 */
import { RedshiftCredentials } from 'pg-redshift-iam'

const connection = {
  host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
  database: 'dev',
  user: 'IAM:alice',
}
const never = () => new Promise<never>(() => {})
const sleep = (millis: number) => new Promise(resolve => setTimeout(resolve, millis))
const code = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error))
/** The timers that would keep this process alive. */
const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

const scenes = {
  /** A caller waits for a hanging provider of AWS credentials: no socket keeps the process alive, only the deadline may. */
  async waiting() {
    const credentials = new RedshiftCredentials({ fetchTimeoutMillis: 300, aws: { credentials: never } })
    return code(await credentials.get(connection).catch(error => error))
  },
  /** The caller has aborted. */
  async aborted() {
    const credentials = new RedshiftCredentials({ fetchTimeoutMillis: 600_000, aws: { credentials: never } })
    const controller = new AbortController()
    const left = credentials.get(connection, { signal: controller.signal }).catch(error => error)
    const before = timers()
    controller.abort(new Error('aborted'))
    return `${(await left).message}, timers ${before} then ${timers()}`
  },
  /** A login is cached, and there are no more callers. */
  async idle() {
    const credentials = new RedshiftCredentials()
    return (await credentials.get(connection)).user
  },
  /** A background refresh waits for AWS, which does not respond. */
  async refreshing() {
    const credentials = new RedshiftCredentials()
    const { user } = await credentials.get(connection)
    while (credentials.status()[0]?.phase !== 'stale') await sleep(20)
    process.stdout.write('stale\n')
    await new Promise(resolve => process.stdin.once('end', resolve).resume())
    const served = await credentials.get(connection)
    return `${user} and ${served.user}`
  },
  /** Closing the credentials aborts the pending request. */
  async closed() {
    const credentials = new RedshiftCredentials({ fetchTimeoutMillis: 600_000 })
    const left = credentials.get(connection).catch(code)
    await new Promise(resolve => process.stdin.once('end', resolve).resume())
    await credentials.close()
    return left
  },
}

const scene = process.env.SCENE as keyof typeof scenes
scenes[scene]().then(seen => console.log(seen))
