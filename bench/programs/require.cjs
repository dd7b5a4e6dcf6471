// node require.cjs MODULE…: how long each takes to be required, after the ones before it, in milliseconds.
const millis = []
for (const module of process.argv.slice(2)) {
  const began = performance.now()
  require(module)
  millis.push(performance.now() - began)
}
console.log(JSON.stringify(millis))
