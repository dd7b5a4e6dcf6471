import { expect } from 'chai'
import { RedshiftPool } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'

/** A pool must rotate its logins with every variant of what is not documented about Redshift. */
const variants = [undefined, 2, 600, null].flatMap(nextRefreshSeconds =>
  [0, 4].flatMap(samePasswordSeconds =>
    (['cleartext', 'md5'] as const).map(authentication => ({
      nextRefreshSeconds,
      samePasswordSeconds,
      authentication,
    })),
  ),
)

describe('A pool, with every variant of undocumented behaviour,', () => {
  it('connects through a rotation without an error', async () => {
    const rotated = await Promise.all(
      variants.map(async options => {
        const emulator = await startEmulator({ lifetimeSeconds: 6, ...options })
        const pool = new RedshiftPool({
          ...emulator.poolConfig('serverless'),
          maxUses: 1,
          redshift: { aws: emulator.aws },
        })
        try {
          // Each query opens a connection.
          while ((emulator.logins.at(-1)?.serial ?? 0) < 3) {
            await pool.query('SELECT 1')
            await new Promise(resolve => setTimeout(resolve, 50))
          }
          return emulator.logins.filter(({ ok }) => !ok)
        } finally {
          await pool.end()
          await emulator.close()
        }
      }),
    )
    expect(rotated.flat()).to.deep.equal([])
  })
})
