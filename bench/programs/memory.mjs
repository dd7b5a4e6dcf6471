// node --expose-gc memory.mjs ours|map KEYS [MAX_ENTRIES]: prints the growth of the heap after this many logins, in bytes.
import { RedshiftCredentials } from '../../.cache/bench/dist/import/index.mjs'

const [how, keys, maxEntries] = process.argv.slice(2)

let responses = 0
// About as long as Redshift's. Not a concatenated string, because that would keep its parts in memory.
const password = number => Buffer.alloc(400, String(number).padEnd(10, 'p')).toString('latin1')
const aws = {
  send: async () => ({
    DbUser: 'IAM:alice',
    DbPassword: password(++responses),
    Expiration: new Date(Date.now() + 900_000),
  }),
}
const credentials = new RedshiftCredentials({ aws, ...(maxEntries && { maxEntries: Number(maxEntries) }) })
const logins = new Map()

async function fetchLogin(number) {
  const database = `tenant${String(number).padStart(7, '0')}`
  const connection = {
    host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
    database,
    user: 'IAM:alice',
  }
  if (how === 'ours') await credentials.get(connection)
  else logins.set(database, await aws.send())
}

/** The size of the heap when repeated garbage collection no longer reduces it. */
async function heap() {
  for (let last = Number.POSITIVE_INFINITY, steady = 0; ; ) {
    await new Promise(resolve => setTimeout(resolve, 20))
    globalThis.gc()
    const { heapUsed } = process.memoryUsage()
    steady = heapUsed > last - 2_000 ? steady + 1 : 0
    if (steady === 5) return heapUsed
    last = heapUsed
  }
}

// A warm-up, so that code that is loaded or compiled on first use is not measured.
if (how === 'ours') {
  for (let i = 0; i < 300; i++) await fetchLogin(1_000_000 + i)
  await credentials.close()
}
const fresh =
  how === 'ours' ? new RedshiftCredentials({ aws, ...(maxEntries && { maxEntries: Number(maxEntries) }) }) : undefined
if (fresh) credentials.get = connection => fresh.get(connection)
const before = await heap()
for (let i = 0; i < Number(keys); i++) await fetchLogin(i)
const after = await heap()
console.log(JSON.stringify({ bytes: after - before, kept: fresh ? fresh.status().length : logins.size }))
