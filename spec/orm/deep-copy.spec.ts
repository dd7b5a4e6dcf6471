import { Utils } from '@mikro-orm/core'
import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { redshiftPoolOptions } from '../../lib/index.js'
import { userOfPool } from '../support/current-user.js'
import { startEmulator } from '../support/emulator.js'

describe('redshiftPoolOptions', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  it('logs in with a deep copy, which MikroORM passes to pg', async () => {
    const options = redshiftPoolOptions({ aws: emulator.aws }, emulator.poolConfig())
    const pool = new pg.Pool(Utils.copy(options))
    expect(await userOfPool(pool)).to.equal('IAMR:analyst')
  })
})
