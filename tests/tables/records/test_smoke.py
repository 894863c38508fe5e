import penstock.tables as T
from penstock.tables.records.routes import ROUTES
T.ROUTES = ROUTES
import pytest
pytestmark = pytest.mark.anyio

async def test_smoke(client, ctx):
    async with ctx.db.control.transaction() as c:
        org = await c.row("select * from penstock.orgs")
        if org is None:
            from penstock.server.spaces import create_space
            from penstock.kit.crypto import digest
            from tests.databases import ADMIN_KEY
            import secrets
            sc="org_"+secrets.token_hex(4)
            await create_space(c, ctx.keys.encryption, schema=sc, role="r"+sc)
            org = await c.row("insert into penstock.orgs(slug,name,database_schema,database_role) values('main','Main',$1,$2) returning *", sc, "r"+sc)
            uid = await c.value("insert into penstock.users(username,username_key,email,email_key,password_hash) values('a','a','a@x.com','a@x.com','x') returning id")
            await c.execute("insert into penstock.memberships(org_id,user_id,role) values($1,$2,4)", org["id"], uid)
            await c.execute("insert into penstock.api_keys(org_id,kind,user_id,name,prefix,digest) values($1,'user',$2,'k','p',$3)", org["id"], uid, digest(ADMIN_KEY))
        app = await c.value("insert into penstock.apps(org_id,name,slug) values ($1,'Shop','shop') returning id", org["id"])
        src = await c.value("insert into penstock.data_sources(org_id,app_id,name,slug) values ($1,$2,'Main','main') returning id", org["id"], app)
        import json
        schema={"fields":[{"name":"id","type":"integer"},{"name":"email","format":"email","constraints":{"required":True,"unique":True}},{"name":"price","type":"number","constraints":{"minimum":0}},{"name":"at","type":"datetime"},{"name":"tags","type":"array"},{"name":"r","type":"range","of":"integer"},{"name":"created_at","type":"datetime"},{"name":"updated_at","type":"datetime"}],"primaryKey":["id"]}
        await c.execute("insert into penstock.data_tables(org_id,app_id,data_source_id,name,json_schema,schema_hash,field_count,physical_schema,physical_name) values ($1,$2,$3,'items',$4,'x',3,$5,'shop_items_1')", org["id"],app,src,json.dumps(schema),org["database_schema"])
    u="/api/apps/shop/datatables/items/data/"
    r=await client.get(u); print(r.status_code,r.text); assert r.status_code==200
    r=await client.post(u,json={"email":"a@x.com","price":1.5,"at":"2024-01-01T00:00:00+02:00","tags":[1,2.50],"r":{"lower":1,"upper":5}}); print(r.status_code,r.text); assert r.status_code==201
    r=await client.post(u,json=[{"email":"b@x.com"},{"email":"c@x.com","price":2}]); print(r.status_code,r.text); assert r.status_code==201
    r=await client.post(u,json=[{"email":"b@x.com"},{"email":"d@x.com","price":2},{"email":"d@x.com"}]); print(r.status_code,r.text); assert r.status_code==409
    r=await client.post(u,json=[{"email":"bx.com"},{"emailx":"d@x.com","price":-2},{"email":3}]); print(r.status_code,r.text); assert r.status_code==400
    r=await client.post(u,json={"email":"b@x.com","price":3}); print(r.status_code,r.text); assert r.status_code==409
    r=await client.post(u,json={"id":50,"email":"e@x.com","price":3}); print(r.status_code,r.text); assert r.status_code==201
    r=await client.post(u,json={"email":"f@x.com"}); print(r.status_code,r.text); assert r.json()["data"]["id"]==51
    r=await client.post(u+"upsert/?unique_fields=email",json={"email":"f@x.com","price":9}); print(r.status_code,r.text); assert r.status_code==200
    r=await client.post(u+"upsert/?unique_fields=email",json=[{"email":"f@x.com","price":10},{"email":"g@x.com"}]); print(r.status_code,r.text); assert r.status_code==200
    r=await client.post(u+"upsert/?unique_fields=price",json=[{"email":"h@x.com","price":77},{"email":"g2@x.com","price":10}]); print(r.status_code,r.text); assert r.status_code==200
    r=await client.patch(u+"1/",json={"price":8}); print(r.status_code,r.text,r.headers); assert r.status_code==200
    e=r.headers["etag"]
    r=await client.patch(u+"1/",json={"price":9},headers={"If-Match":e}); print(r.status_code,r.text); assert r.status_code==200
    r=await client.patch(u+"1/",json={"price":9},headers={"If-Match":e}); print(r.status_code,r.text); assert r.status_code==412
    r=await client.patch(u,json=[{"id":1,"price":3},{"id":2,"price":4,"at":None}]); print(r.status_code,r.text); assert r.status_code==200
    r=await client.patch(u,json=[{"id":1,"price":3},{"id":999,"price":4,"at":None}]); print(r.status_code,r.text); assert r.status_code==404
    r=await client.get(u+"1/"); print(r.status_code,r.text,r.headers); assert r.status_code==200
    for q in ["?price__gte=3&ordering=-price,email","?search=B@X","?page_size=2&page=2","?limit=2&offset=1","?after=&page_size=2&ordering=price","?fields=email&email__contains=A","?count=planned","?count=none","?tags__acontains=1","?r__rcontains=3"]:
        r=await client.get(u+q); print(q,r.status_code,r.text); assert r.status_code==200
    cur=""; n=[]
    while cur is not None:
        r=await client.get(u,params={"after":cur,"page_size":2,"ordering":"-price,at"}); j=r.json(); print(j); n+=[x["id"] for x in j["data"]]; cur=j["next_cursor"]
    print(n); assert len(set(n))==len(n)==8
    h={"Idempotency-Key":"k1"}
    r1=await client.post(u,json={"email":"z@x.com"},headers=h); r2=await client.post(u,json={"email":"z@x.com"},headers=h); print(r1.text,r2.text); assert r1.text==r2.text
    r2=await client.post(u,json={"email":"zz@x.com"},headers=h); print(r2.status_code,r2.text); assert r2.status_code==409
    r=await client.delete(u+"1/"); assert r.status_code==204
    r=await client.delete(u+"?ids=2,3,1000"); print(r.text); assert r.json()=={"deleted":2,"ids":[2,3]}
    r=await client.request("DELETE",u,params={"filter":'{"price__gt":5}'}); print(r.text)
    r=await client.delete(u); print(r.status_code, r.text); assert r.status_code==400
