/** Preloaded for pg-pool's own specs: replaces their pool with the one that SUITE_POOL names, connected to the emulator. */
const Module = require('node:module')
const { dirname, join } = require('node:path')
const PgPool = require('pg-pool')
const { RedshiftPool } = require('../../lib/index.ts')

// On a busy machine, the fixed times in the specs are too short. Slowed down, all timers keep their proportions.
const { setTimeout } = globalThis
const slowdown = Number(process.env.SUITE_SLOWDOWN)
const slowed = (callback, millis, ...rest) => setTimeout(callback, millis * slowdown, ...rest)
globalThis.setTimeout = Object.defineProperties(slowed, Object.getOwnPropertyDescriptors(setTimeout))

const { database, host, port, ca, cluster, user, password, aws } = JSON.parse(process.env.SUITE_LOGIN)
const connection = { host, port, database, ssl: { ca } }

// pg-pool also accepts a class as its second argument.
class Stock extends PgPool {
  constructor(options, Client) {
    super({ ...connection, user, password, ...options }, Client)
  }
}

class Ours extends RedshiftPool {
  constructor(options, Client) {
    super({ ...connection, ...(Client && { Client }), redshift: { host: cluster, aws }, ...options })
  }
}

const specs = join(dirname(require.resolve('pg-pool-suite/package.json')), 'test')
const load = Module._load
Module._load = (request, parent, ...more) =>
  /^\.\.\/(index)?$/.test(request) && parent?.filename.startsWith(specs)
    ? process.env.SUITE_POOL === 'stock'
      ? Stock
      : Ours
    : load(request, parent, ...more)
