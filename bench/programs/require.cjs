// node require.cjs MODULE…: requires the modules in order, and prints the time of each in milliseconds.
const millis = []
for (const module of process.argv.slice(2)) {
  const began = performance.now()
  require(module)
  millis.push(performance.now() - began)
}
console.log(JSON.stringify(millis))
