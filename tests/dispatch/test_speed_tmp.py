import asyncio, time, os
from tests.dispatch.people import *
from tests.dispatch.test_sending import *
async def test_speed(workspace, tmp_path):
    n=int(os.environ.get("ZGODA_TEST_N","4000"))
    t=time.perf_counter()
    await persons(workspace, [f"p{i}@example.org" for i in range(n)])
    print("persons", time.perf_counter()-t); t=time.perf_counter()
    c=await campaign(workspace)
    print("campaign", time.perf_counter()-t)
    async with sink(tmp_path/"mail") as server:
        stop=asyncio.Event(); p=Progress({})
        D=int(os.environ.get("ZGODA_TEST_D","4")); W=int(os.environ.get("ZGODA_TEST_W","8"))
        ways=[handoff.transport("email", server.url, W) for _ in range(D)]
        import cProfile
        t=time.perf_counter(); c0=time.process_time()
        if os.environ.get("ZGODA_TEST_PROF"):
            pr=cProfile.Profile(); pr.enable()
        task=asyncio.create_task(worker.dispatch(workspace,{"email":ways},stop,progress=p))
        while p.states.get("handed_over",0)<n and not task.done(): await asyncio.sleep(0.02)
        d=time.perf_counter()-t
        if os.environ.get("ZGODA_TEST_PROF"):
            pr.disable(); import pstats; pstats.Stats(pr).sort_stats("tottime").print_stats(35)
        print("RATE", n/d, "cpu us/msg", (time.process_time()-c0)/n*1e6, p.states)
        stop.set(); await task
        assert server.count()==n
