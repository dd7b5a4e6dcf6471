/**
 * The main thread and two worker threads (`SIDES=threads`), or a primary process and two workers of node:cluster
 * (`SIDES=cluster`): each has its own pool with the same user. Prints what each has observed, through a rotation.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import pg from 'pg'
import { RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'

interface Seen {
  readonly users: readonly string[]
  readonly rotated: boolean
}

async function work(): Promise<Seen> {
  const connection = {
    host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
    port: 5439,
    database: 'dev',
    user: 'IAM:alice',
    ssl: true,
  }
  await using credentials = new RedshiftCredentials()
  const pool = new pg.Pool({ ...connection, password: redshiftPassword(credentials), maxUses: 1 })
  const burst = async (): Promise<string[]> =>
    Promise.all(Array.from({ length: 20 }, async () => (await pool.query('select session_user as name')).rows[0].name))
  const isFresh = (): boolean => credentials.status()[0]?.phase === 'fresh'
  const users = await burst()
  const first = await credentials.get(connection)
  while (isFresh()) await sleep(20)
  users.push(...(await burst()))
  while (!isFresh()) await sleep(20)
  users.push(...(await burst()))
  const last = await credentials.get(connection)
  await pool.end()
  return { users: [...new Set(users)], rotated: first.password !== last.password }
}

async function threads(): Promise<Seen[]> {
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)))
  const answers = workers.map(async worker => (await once(worker, 'message'))[0])
  return Promise.all([work(), ...answers])
}

async function processes(): Promise<Seen[]> {
  const workers = [1, 2].map(() => cluster.fork())
  const answers = workers.map(async worker => (await once(worker, 'message'))[0])
  const seen = await Promise.all([work(), ...answers])
  for (const worker of workers) worker.disconnect()
  return seen
}

if (!isMainThread) work().then(seen => parentPort?.postMessage(seen))
else if (cluster.isWorker) work().then(seen => process.send?.(seen))
else (process.env.SIDES === 'cluster' ? processes() : threads()).then(seen => console.log(JSON.stringify(seen)))
