from tests.console.build import browsing, write_figures


def test_first(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        page = browser.get("/console/overview")
        print(page.status_code, page.text[:3000])
        assert page.status_code == 200
        for name in ("offers", "models", "health"):
            page = browser.get(f"/console/{name}")
            assert page.status_code == 200, page.text
        data = browser.get("/console/overview/data/by_offer.csv?group=outbound")
        print(data.text)
        token = browser.token()
        r = browser.post("/console/customer", {"csrf": token, "customer": "c03"})
        print(r.status_code, r.headers)
        page = browser.get(r.headers["location"])
        print(page.text[-6000:])
        assert page.status_code == 200
